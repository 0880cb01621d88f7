/** What a program asks its client to permit, as far as it can be answered. */
import { oneLine } from "@agent-relay/protocol";
import { isObject } from "../../json-values.ts";

export interface Asked {
  readonly id: string | number;
  readonly toolCall: string | undefined;
  readonly what: string | undefined;
  readonly approve: string | undefined;
  readonly deny: string | undefined;
}

export const idCharactersMax = 256;
export const whatCharactersMax = 500;

export function askedOf(id: string | number, params: Readonly<Record<string, unknown>>): Asked {
  const call = isObject(params["toolCall"]) ? params["toolCall"] : {};
  const optionOf = (kind: string): string | undefined => {
    const options: readonly unknown[] = Array.isArray(params["options"]) ? params["options"] : [];
    const option = options.find((one) => isObject(one) && one["kind"] === kind);
    const optionId = isObject(option) ? option["optionId"] : undefined;
    return typeof optionId === "string" ? optionId.slice(0, idCharactersMax) : undefined;
  };
  return {
    id: typeof id === "string" ? id.slice(0, idCharactersMax) : id,
    toolCall: typeof call["toolCallId"] === "string" ? call["toolCallId"].slice(0, idCharactersMax) : undefined,
    what: whatOf(call),
    approve: optionOf("allow_once"),
    deny: optionOf("reject_once"),
  };
}

/** Its title, and the command where that does not say it: some programs say what the model calls it. */
function whatOf({ title, rawInput }: Readonly<Record<string, unknown>>): string | undefined {
  const said = typeof title === "string" ? title : "";
  const command = isObject(rawInput) && typeof rawInput["command"] === "string" ? rawInput["command"] : "";
  const words = said.includes(command) ? said : said === "" ? command : `${said}: ${command}`;
  return words === "" ? undefined : oneLine(words, whatCharactersMax);
}
