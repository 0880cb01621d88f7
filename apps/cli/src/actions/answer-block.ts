/**
 * Answering what an agent's program waits for.
 *
 *   B1  What is answered is what was shown: the block is named by its sequence, so that an answer never falls on a
 *       question that came in the meantime.
 *   B2  A refusal says who was first, or where it can be answered instead.
 */
import { envelopeOf, RelayError, type Verdict } from "@agent-relay/protocol";
import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import type { AgentRow } from "../rendering/agent-table.ts";
import { safeLine } from "../rendering/safe-text.ts";

interface AnswerOptions {
  readonly block?: number;
}
type Answering = (context: Context, options: AnswerOptions, name: string) => ActionResult;

const done = { approve: "approved", deny: "denied" } as const satisfies Record<Verdict, string>;

export const approve = { run: answering("approve") };
export const deny = { run: answering("deny") };

function answering(verdict: Verdict): Answering {
  return async (context, options, name) => {
    const { output, signal } = context;
    const { block, asked } = await withClient(context, {}, async (client) => {
      const { agents } = await client.call("agent.list", { all: true }, { signal });
      const standing = questionOf(agents.find((it) => it.name === name));
      const named = options.block ?? standing?.sequence;
      const asked = standing !== undefined && standing.sequence === named ? standing : undefined;
      if (asked !== undefined) output.note(output.noteColours.dim(`${name} asks: ${asked.text}`));
      try {
        const answer = await client.call(
          "agent.answer",
          { name, verdict, ...(named === undefined ? {} : { block: named }) },
          { signal },
        );
        return { block: answer.block, asked };
      } catch (thrown) {
        throw explained(thrown, name);
      }
    });
    if (output.isJson)
      output.document({ agent: name, verdict, block, kind: asked?.kind ?? null, what: asked?.what ?? null });
    else output.line(`${done[verdict]}: ${asked?.text ?? `block #${block}`} for ${safeLine(name)}`);
    return undefined;
  };
}

interface Question {
  readonly sequence: number;
  readonly kind: string | null;
  readonly what: string | null;
  readonly text: string;
}

/** Some programs say `approve Bash: …` of themselves, which reads badly after `approved`. */
function questionOf(agent: AgentRow | undefined): Question | undefined {
  if (agent?.block === undefined || agent.block === null) return undefined;
  const { sequence, what } = agent.block;
  const kind = agent.blockedKind;
  return { sequence, kind, what, text: safeLine(what ?? kind ?? `block #${sequence}`).replace(/^approve\s+/i, "") };
}

function explained(thrown: unknown, name: string): unknown {
  const envelope = envelopeOf(thrown);
  if (envelope?.code === "already_answered") {
    const { by, verdict } = envelope.data ?? {};
    const first = typeof by === "string" && !envelope.message.includes(by) ? by : undefined;
    if (first === undefined) return thrown;
    const how = verdict === "approve" || verdict === "deny" ? done[verdict] : "answered";
    return new RelayError({ ...envelope, message: `${envelope.message} ${first} has ${how} it.` }, { cause: thrown });
  }
  if (envelope?.code === "not_answerable" && envelope.hint === undefined) {
    const hint = `answer it at the program's own terminal: agent-relay attach ${name} --mode drive`;
    return new RelayError({ ...envelope, hint }, { cause: thrown });
  }
  return thrown;
}
