import type { MethodResult } from "@agent-relay/protocol";
import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { exit } from "../exit-codes.ts";
import { failureOf } from "../failure.ts";
import { messageBody } from "../message-body.ts";
import { deliveryTable } from "../rendering/delivery-table.ts";
import { safeLine } from "../rendering/safe-text.ts";

interface SendOptions {
  readonly until: "accepted" | "handed_over" | "seen" | "answered";
  readonly timeout: number;
  readonly steer?: true;
  readonly replyTo?: string;
  readonly ttl?: number;
  readonly notify?: readonly string[];
  readonly as?: string;
}

export async function run(context: Context, options: SendOptions, to: string, words: readonly string[]): ActionResult {
  const { output, signal } = context;
  const body = await messageBody(words, "the message");
  return withClient(context, { as: options.as }, async (client) => {
    const receipt = await client.call(
      "message.send",
      {
        to,
        body,
        mode: options.steer === true ? "steer" : "wait",
        ...(options.replyTo === undefined ? {} : { replyTo: options.replyTo }),
        ...(options.ttl === undefined ? {} : { ttlMs: options.ttl }),
        ...(options.notify === undefined ? {} : { notify: [...options.notify] }),
      },
      { signal },
    );
    if (options.until === "accepted") {
      if (output.isJson) output.document(receipt);
      else output.line(accepted(receipt));
      return undefined;
    }
    output.note(accepted(receipt));
    const progress = output.progress(`waiting until it is ${options.until.replace("_", " ")}`);
    try {
      const { deliveries } = await client.call(
        "message.await",
        { messageId: receipt.messageId, until: options.until, timeoutMs: options.timeout },
        { signal },
      );
      progress.done();
      if (output.isJson) output.document({ ...receipt, deliveries });
      else
        for (const line of deliveryTable(deliveries, output, { withMessage: false, now: context.now() }))
          output.line(line);
      return deliveries.some((delivery) => delivery.stage === "dead_lettered") ? exit.refused : undefined;
    } catch (thrown) {
      progress.done();
      if (failureOf(thrown).envelope.code !== "timeout") throw thrown;
      // The message is on its way all the same, so a script gets its id; the failure follows.
      const {
        steps: _,
        message: __,
        ...trace
      } = await client
        .call("message.trace", { messageId: receipt.messageId })
        .catch(() => ({ steps: [], message: undefined, deliveries: undefined }));
      if (output.isJson)
        output.document({ ...receipt, ...(trace.deliveries === undefined ? {} : { deliveries: trace.deliveries }) });
      else {
        for (const line of trace.deliveries === undefined
          ? []
          : deliveryTable(trace.deliveries, output, { withMessage: false, now: context.now() }))
          output.line(line);
        output.note(`${output.noteColours.dim("→")} it is still on its way: agent-relay trace ${receipt.messageId}`);
      }
      throw thrown;
    }
  });
}

export function accepted(receipt: MethodResult<"message.send">): string {
  const names = receipt.recipients.map(safeLine);
  if (names.length === 0) return `accepted ${receipt.messageId}; nobody else is in the channel`;
  return `accepted ${receipt.messageId} for ${names.length <= 5 ? names.join(", ") : `${names.length} agents`}`;
}
