/** What Gemini CLI says beside its terminal: its hooks, and the record of its session (0.61.0). */
import { oneLine } from "@agent-relay/protocol";
import type { AgentSignal, HookReport } from "../../hook-report.ts";
import { nothingReported, promptCharactersMax, saidIn, sessionNamed } from "../hook-events.ts";
import { blockOfGeminiError, geminiContext } from "./errors.ts";
import { count, isObject } from "../../json-values.ts";

const whatCharactersMax = 500;

type Json = Readonly<Record<string, unknown>>;

export function readGeminiReport(payload: Json): HookReport {
  const event = payload["hook_event_name"];
  if (typeof event !== "string") return nothingReported;
  return { signals: signalsOf(event, payload), source: `hook:${event}`.slice(0, 64) };
}

function signalsOf(event: string, payload: Json): readonly AgentSignal[] {
  switch (event) {
    // Its servers have been started by then, and one that is continued takes no input until its record says so. It comes
    // in a trusted folder only; the title comes anywhere.
    case "SessionStart":
      return payload["source"] === "resume" ? sessionNamed(payload) : [...sessionNamed(payload), { type: "ready" }];
    // Also for prompts that waited in its queue; when they are taken, all of them are one prompt.
    case "BeforeAgent": {
      const prompt = payload["prompt"];
      const said: readonly AgentSignal[] =
        typeof prompt === "string" ? [{ type: "prompt", text: prompt.slice(0, promptCharactersMax) }] : [];
      return [...sessionNamed(payload), { type: "turn_started" }, ...said];
    }
    // Not after a refusal, which ends the turn, too: then only the title says so.
    // Its `prompt_response` has most words of a streamed answer twice (`slowly l o w l y `), so the record tells the answer.
    case "AfterAgent":
      return [{ type: "turn_ended" }];
    case "Notification":
      return payload["notification_type"] === "ToolPermission" ? [asked(payload)] : [];
    default:
      return [];
  }
}

/** Everything that waits for a person is a "tool permission" there; only these have "allow once" as their first choice. */
const permissions: ReadonlySet<unknown> = new Set(["exec", "edit", "mcp", "info"]);

function asked(payload: Json): AgentSignal {
  const details = isObject(payload["details"]) ? payload["details"] : {};
  const kind = permissions.has(details["type"]) ? "permission" : "question";
  const server = details["serverName"];
  const parts = [
    details["type"] === "mcp" && typeof server === "string" ? server : undefined,
    details["command"] ?? details["filePath"] ?? details["toolName"] ?? details["prompt"] ?? details["title"],
  ];
  const verb = details["type"] === "exec" ? "run " : details["type"] === "edit" ? "write " : "";
  const text = parts.filter((part) => typeof part === "string" && part !== "").join(" ");
  return { type: "blocked", kind, ...(text === "" ? {} : { what: oneLine(`${verb}${text}`, whatCharactersMax) }) };
}

/**
 * One line of the record. A subagent has a record of its own, so nothing here is a child's. Prompts are not read: after a
 * turn that was refused, it writes the whole conversation before it once more.
 */
export function readGeminiRecord(line: Json): readonly AgentSignal[] {
  const { content } = line;
  switch (line["type"]) {
    case "gemini":
      return answered(line);
    case "error": {
      if (typeof content !== "string") return [];
      const kind = blockOfGeminiError(content);
      if (kind === "context") return [{ type: "context", pctLeft: 0 }];
      // The hook that ends the turn comes after this line, or before.
      return kind === undefined
        ? []
        : [{ type: "turn_ended" }, { type: "blocked", kind, what: oneLine(content, whatCharactersMax) }];
    }
    // When it compresses by itself. What `/compress` does stands there in no words of its own.
    case "info": {
      const used =
        typeof content === "string" ? /^Context compressed from \d+% to (\d+)%/u.exec(content)?.[1] : undefined;
      const pctLeft = 100 - Number(used);
      return pctLeft >= 0 ? [{ type: "compacted" }, { type: "context", pctLeft }] : [];
    }
    case undefined: {
      // The conversation begins in a record that was there: it is continued now, or goes on from a summary.
      const set = line["$set"];
      return isObject(set) && typeof set["sessionId"] === "string" && Object.keys(set).length === 1
        ? [{ type: "ready" }]
        : [];
    }
    default:
      return [];
  }
}

/** Each answer stands there once when it has come, and once more with what its tools answered. */
function answered(line: Json): readonly AgentSignal[] {
  const { tokens, model } = line;
  if (!isObject(tokens) || line["toolCalls"] !== undefined) return [];
  const inputTokens = count(tokens["input"]) + count(tokens["tool"]);
  const outputTokens = count(tokens["output"]) + count(tokens["thoughts"]);
  if (inputTokens + outputTokens === 0) return [];
  const name = typeof model === "string" ? model.slice(0, 128) : undefined;
  const pctLeft = geminiContext(name, count(tokens["input"]));
  return [
    ...saidIn(line["content"]),
    {
      type: "tokens",
      inputTokens,
      cachedInputTokens: count(tokens["cached"]),
      outputTokens,
      ...(name === undefined ? {} : { model: name }),
    },
    ...(pctLeft === undefined ? [] : [{ type: "context", pctLeft } as const]),
  ];
}
