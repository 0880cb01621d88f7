/** Harness knowledge for simulations: programs that speak in plain words such as `<ready>`, so that a story reads as one. */
import type { DeliveryTraits } from "@agent-relay/protocol";
import type { Observation } from "../core/commands.ts";
import type { Harnesses, Watcher } from "../shell/harness-port.ts";

/** What the names of the simulated programs stand for. */
const traitsOf: Readonly<Record<string, DeliveryTraits>> = {
  /** Takes prompts between turns and reports each. */
  turns: { push: true, boundary: "turn", provesSeen: true, interruptible: true },
  /** Reads lines whenever they come and reports nothing. */
  lines: { push: true, boundary: "anytime", provesSeen: false, interruptible: false },
  /** Fetches its mail. */
  fetches: { push: false, boundary: "turn", provesSeen: false, interruptible: false },
};

const bySight = { source: "simulated", fidelity: "exact" } as const;

export const scriptedHarnesses: Harnesses = {
  describe: ({ cli }) => ({
    harness: cli,
    traits: traitsOf[cli] ?? { push: false, boundary: "turn", provesSeen: false, interruptible: false },
  }),
  check: ({ permissionMode }) => ({ permissionMode }),
  prepare: (_who, launch) =>
    Promise.resolve({
      argv: [launch.cli],
      env: {},
      cwd: "/simulated",
      originActor: `agent-relay-cli/agent/${launch.cli}`,
      permissionMode: launch.permissionMode,
      secrets: [],
    }),
  watch: () => watcher(),
  pasteSteps: (_harness, text) => [{ type: "data", data: text }],
  interruptSteps: () => [{ type: "data", data: "<interrupt>" }],
  exitCommand: () => "<exit>",
  classifyExit: (_harness, { code, signal }) => (signal !== undefined ? "signal" : code === 0 ? "clean" : "crash"),
};

function watcher(): Watcher {
  return {
    output: (data) =>
      [
        ...Buffer.from(data)
          .toString("utf8")
          .matchAll(/<(ready|working|idle|blocked|context (\d+))>/gu),
      ].map(([, word, pct]): Observation => {
        if (pct !== undefined) return { type: "context", pctLeft: Number(pct), ...bySight };
        if (word === "ready") return { type: "ready", ...bySight };
        if (word === "working") return { type: "working", ...bySight };
        if (word === "blocked") return { type: "blocked", kind: "permission", ...bySight };
        return { type: "turn_ended", ...bySight };
      }),
    signal: () => [],
    tick: () => [],
    injected: () => undefined,
    told: () => undefined,
    wakeAt: () => undefined,
    bracketedPaste: () => false,
    takeReply: () => undefined,
    contextPctLeft: () => undefined,
  };
}
