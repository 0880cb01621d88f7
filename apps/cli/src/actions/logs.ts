import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { UsageError } from "../usage-error.ts";
import { plainTerminalText, terminalText } from "../rendering/terminal-text.ts";

interface LogsOptions {
  readonly follow?: true;
  readonly lines?: number;
  readonly raw?: true;
  readonly errors?: true;
}

export async function run(context: Context, options: LogsOptions, name: string): ActionResult {
  const { output, signal } = context;
  if (options.errors === true && options.follow === true)
    throw new UsageError("--errors cannot be followed", `agent-relay logs ${name} --errors`);
  await withClient(context, {}, async (client) => {
    const errors = options.errors === true;
    const kept = await client.call("terminal.read", { name, errors }, { signal });
    const data = Buffer.from(kept.data, "base64");
    if (output.isJson && options.follow !== true) {
      const range = { name, offset: kept.offset, next: kept.next };
      output.document(
        options.raw === true
          ? { ...range, base64: kept.data }
          : { ...range, text: newestLines(plainTerminalText(data), options.lines) },
      );
      return;
    }
    // What follows goes on where this was cut: in a line, in a sequence, in a character.
    const text = terminalText();
    const begun = text.push(data);
    if (!output.isJson) {
      if (options.raw === true) output.raw(data);
      else if (options.follow === true) output.raw(begunLines(begun, options.lines));
      else output.raw(endingInNewline(newestLines(begun + text.end(), options.lines)));
    }
    if (options.follow !== true) return;
    for await (const chunk of client.output(name, { from: kept.next, signal })) {
      if (chunk.type === "gap") {
        output.note(`(${chunk.to - chunk.from} bytes are missing here: ${chunk.reason})`);
        continue;
      }
      if (output.isJson) {
        const shown =
          options.raw === true
            ? { base64: Buffer.from(chunk.data).toString("base64") }
            : { text: text.push(chunk.data) };
        output.streamed({ name, epoch: chunk.epoch, offset: chunk.offset, ...shown });
      } else output.raw(options.raw === true ? chunk.data : text.push(chunk.data));
    }
    if (!output.isJson && options.raw !== true) output.raw(text.end());
  });
  return undefined;
}

function newestLines(text: string, count: number | undefined): string {
  if (count === undefined) return text;
  return text.trimEnd().split("\n").slice(-count).join("\n");
}

/** The same where more may come of the last line. */
function begunLines(text: string, count: number | undefined): string {
  if (count === undefined) return text;
  return newestLines(text, count) + (text.endsWith("\n") ? "\n" : "");
}

function endingInNewline(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}
