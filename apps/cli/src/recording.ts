/**
 * Recording what agents show, so that it can be watched again in a test.
 *
 *   R1  One file for each incarnation, `<agent>@<epoch>.jsonl`, for the owner's eyes only: it holds whatever the program
 *       printed and was sent.
 *   R2  One line for each input, in order, with its time; bytes are in base64. A disk that fails costs the recording alone.
 */
import { appendFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import type { Incarnated, RecordedInput } from "@agent-relay/broker";
import { messageOf, type Logger } from "@agent-relay/kernel";

export function recorderInto(
  directory: string,
  logger: Logger,
): ((of: Incarnated, input: RecordedInput) => void) | undefined {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    logger.warn("nothing is recorded", { directory, error: messageOf(error) });
    return undefined;
  }
  const begun = new Set<string>();
  const write = (of: Incarnated, line: object): void => {
    try {
      appendFileSync(path.join(directory, `${of.name}@${of.epoch}.jsonl`), `${JSON.stringify(line)}\n`, {
        mode: 0o600,
      });
    } catch (error) {
      logger.warn("a recording has a gap", { agent: of.name, error: messageOf(error) });
    }
  };
  return (of, input) => {
    const id = `${of.name}@${of.epoch}`;
    if (!begun.has(id))
      write(of, { at: input.at, type: "begin", agent: of.name, epoch: of.epoch, harness: of.harness });
    begun.add(id);
    const { at, type, ...rest } = input;
    const data =
      "data" in rest && typeof rest.data !== "string" ? { data: Buffer.from(rest.data).toString("base64") } : {};
    write(of, { at, type, ...rest, ...data });
  };
}
