/**
 * The model's intake: which messages the model of each agent was given, read from what the programs asked it.
 *
 *   N1  A program repeats its whole conversation with every request. A message counts once for each time that it stands
 *       there anew; one that was missing for a while and is there again counts again.
 *   N2  Only what the program gives as a prompt counts: not what the model said, and not what a tool answered.
 */
import { messagesIn, type ReceivedMessage, type RecordedRequest } from "@agent-relay/testkit";

export interface ModelIntake {
  readonly read: (request: RecordedRequest) => void;
  /** What the model of this agent was given, in that order. */
  readonly shownTo: (agent: string) => readonly ReceivedMessage[];
  /** How many prompts of an agent had mail in them. */
  readonly promptsOf: (agent: string) => number;
  /** How many different messages stand in its newest request. */
  readonly rememberedBy: (agent: string) => number;
}

/** Each agent asks at an address of its own, by which its requests are told from those of others. */
export function modelAddress(url: string, agent: string): string {
  return `${url}/agents/${agent}`;
}

export function modelIntake(): ModelIntake {
  const agents = new Map<string, { readonly shown: ReceivedMessage[]; newest: readonly string[]; prompts: number }>();
  const knownOf = (agent: string) => {
    const known = agents.get(agent) ?? { shown: [], newest: [], prompts: 0 };
    agents.set(agent, known);
    return known;
  };
  return {
    read: ({ path, asked, body }) => {
      const agent = /^\/agents\/([^/]+)\//u.exec(path)?.[1];
      if (agent === undefined || asked?.purpose !== "turn" || body === undefined) return;
      const known = knownOf(agent);
      const before = [...known.newest];
      const prompts = promptTexts(body["messages"] ?? body["input"]).map(messagesIn);
      let isNew = false;
      for (const message of prompts.flat()) {
        const place = before.indexOf(keyOf(message));
        if (place >= 0) before.splice(place, 1);
        else {
          known.shown.push(message);
          isNew = true;
        }
      }
      if (isNew) known.prompts += 1;
      known.newest = prompts.flat().map(keyOf);
    },
    shownTo: (agent) => agents.get(agent)?.shown ?? [],
    promptsOf: (agent) => agents.get(agent)?.prompts ?? 0,
    rememberedBy: (agent) => new Set(agents.get(agent)?.newest.map((it) => it.split(" ")[0])).size,
  };
}

function keyOf({ id, repeat }: ReceivedMessage): string {
  return `${id ?? "none"} ${repeat ? "marked" : "plain"}`;
}

/** Texts of a conversation that are neither the model's nor a tool's. */
function promptTexts(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(promptTexts);
  if (typeof value !== "object" || value === null) return [];
  const { role, type, content, text } = value as Readonly<Record<string, unknown>>;
  if (role === "assistant" || (typeof type === "string" && /tool_|_call/u.test(type))) return [];
  return [...promptTexts(content), ...(typeof text === "string" ? [text] : [])];
}
