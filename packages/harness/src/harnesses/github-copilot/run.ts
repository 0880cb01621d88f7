/** What `copilot --output-format json` writes: the events of its session, and a result at its end (1.0.102). */
import type { AgentSignal } from "../../hook-report.ts";
import { readCopilotRecord } from "./events.ts";

export function readCopilotLine(line: Readonly<Record<string, unknown>>): readonly AgentSignal[] {
  switch (line["type"]) {
    case "result": {
      const { sessionId } = line;
      const isId = typeof sessionId === "string" && sessionId !== "" && sessionId.length <= 256;
      return [...(isId ? [{ type: "session", sessionId } as const] : []), { type: "turn_ended" }];
    }
    case "assistant.turn_start":
      return [{ type: "turn_started" }];
    default:
      return readCopilotRecord(line);
  }
}
