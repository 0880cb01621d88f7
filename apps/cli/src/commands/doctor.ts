import { command } from "../command-spec.ts";

export const doctor = command({
  name: "doctor",
  summary: "Check this machine and project; every problem comes with its fix.",
  examples: [
    { line: "agent-relay doctor", means: "before the first `up`, or when something is odd" },
    { line: "agent-relay doctor --json", means: "to attach to a report; it holds no secrets" },
  ],
  json: "{ ok, checks: [{ id, name, status: ok | warning | problem, found, fix? }] }",
  load: () => import("../actions/doctor.ts"),
});
