/** What the app server of Codex asks its client, and how it is answered. */
import { oneLine, type Verdict } from "@agent-relay/protocol";
import { isObject } from "../../json-values.ts";

type Json = Readonly<Record<string, unknown>>;

/** A request that a person or a caller has to decide. */
export interface Asked {
  /** The server's own id of it, to be given back as it is. */
  readonly id: string | number;
  readonly method: string;
  readonly what: string | undefined;
  /** What it wants to be permitted, where that is said in the answer again. */
  readonly permissions: unknown;
}

export type Request =
  | { readonly type: "decide"; readonly asked: Asked }
  /** Nobody can answer it here, so it is answered at once and the program never waits for it. */
  | { readonly type: "answered"; readonly answer: Json };

const whatCharactersMax = 500;

export function readRequest(id: string | number, method: string, params: Json): Request {
  const decide = (...what: readonly unknown[]): Request => ({
    type: "decide",
    asked: { id, method, what: described(what), permissions: params["permissions"] },
  });
  switch (method) {
    case "item/commandExecution/requestApproval": {
      const network = params["networkApprovalContext"];
      return isObject(network)
        ? decide("network access to", network["host"])
        : decide(params["command"], params["reason"]);
    }
    case "item/fileChange/requestApproval":
      return decide("change files", params["grantRoot"], params["reason"]);
    case "item/permissions/requestApproval":
      return decide("permissions", params["reason"]);
    case "mcpServer/elicitation/request": {
      const meta = params["_meta"];
      // Other forms ask for words, which a verdict is not.
      if (isObject(meta) && meta["codex_approval_kind"] === "mcp_tool_call") return decide(params["message"]);
      return { type: "answered", answer: { result: { action: "decline", content: null, _meta: null } } };
    }
    default:
      return { type: "answered", answer: { error: { code: -32_601, message: "not supported by this client" } } };
  }
}

/** The answer for this once: never for the session, for a folder or for a kind of command. */
export function verdictOn(asked: Asked, verdict: Verdict): Json {
  const yes = verdict === "approve";
  switch (asked.method) {
    case "mcpServer/elicitation/request":
      return { action: yes ? "accept" : "decline", content: yes ? {} : null, _meta: null };
    case "item/permissions/requestApproval":
      return { permissions: yes && isObject(asked.permissions) ? asked.permissions : {}, scope: "turn" };
    default:
      return { decision: yes ? "accept" : "decline" };
  }
}

function described(what: readonly unknown[]): string | undefined {
  const words = what.filter((part): part is string => typeof part === "string" && part !== "");
  const text = oneLine(words.join(" · "), whatCharactersMax);
  return text === "" ? undefined : text;
}
