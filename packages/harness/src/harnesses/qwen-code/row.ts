import type { Harness } from "../../harness.ts";
import { permissions, plainRow, silentObservation } from "../baseline.ts";

export const qwenCode: Harness = {
  ...plainRow,
  id: "qwen-code",
  title: "Qwen Code",
  about: "Alibaba's coding agent, related to Gemini CLI.",
  recognition: { programs: ["qwen"], npmPackages: ["@qwen-code/qwen-code"] },
  versions: { tried: ["0.24.4"], note: "Run against a scripted model, November 2026." },
  permission: permissions({ bypass: { flags: ["--yolo"], chosenBy: ["--yolo", "-y", "--approval-mode=yolo"] } }),
  model: { flags: ["--model", "-m"], inject: (model) => ["-m", model] },
  connection: { noToolsBecause: "its option takes configuration in line, and a token must not stand among arguments" },
  resume: (sessionId) => ["--resume", sessionId],
  sessionFlag: "--session-id",
  set: { QWEN_CODE_NO_RELAUNCH: "1" },
  exitCommand: "/quit\r",
  interrupt: { keys: ["\u001b"], confirmedBy: "`Request cancelled.`" },
  observation: {
    ...silentObservation,
    titles: {
      rules: [
        { pattern: /^Qwen - /u, means: "idle" },
        { pattern: /^[◐◑◒◓]\ufe0e? Qwen - /u, means: "working" },
      ],
      fidelity: "inferred",
    },
  },
};
