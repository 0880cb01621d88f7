import { command } from "../command-spec.ts";

export const who = command({
  name: "who",
  summary: "Show who is there, and how each is doing.",
  details:
    "A state in plain type is exact, from the program's own signals; one marked ~ is inferred from its screen. `blocked_on_send` means that mail is due and the agent cannot take it. `blocked:permission` and the like wait for a person; below the table stands how to answer. A version with a question mark was not tried: titles, screen and silence prove nothing of it.",
  options: [
    { flags: "-a, --all", summary: "ended agents too" },
    { flags: "--wide", summary: "versions, the programs' own sessions and teams too" },
    { flags: "-w, --watch", summary: "keep the table up to date until Ctrl-C" },
  ],
  examples: [
    { line: "agent-relay who", means: "one row for each live agent" },
    {
      line: "agent-relay who --json | jq '.agents[] | select(.state == \"idle\").name'",
      means: "the idle ones, for a script",
    },
  ],
  json: "{ agents: [{ name, cli, harness, model, status, state, reason, since, fidelity, blockedKind, block: { sequence, what, answerable } | null, version, versionTried, sessionId, runtime, pid, uptimeSecs, memoryBytes, lastActivityAt, contextPctLeft, pending, permissionMode, heldBy, drafting, … }] }; with --watch one such document a line",
  load: () => import("../actions/who.ts"),
});
