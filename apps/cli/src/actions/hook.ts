/**
 * Hook: what an agent program reports of itself, from a shell command to the broker.
 *
 *   H1  The program is never disturbed: nothing is printed, the status is 0, and it takes two seconds at most.
 *   H2  Nothing is sent anywhere but to this machine.
 */
import { request } from "node:http";
import type { ActionResult, Context } from "../context.ts";

const timeoutMs = 2_000;
const payloadBytesMax = 1_048_576;
const simpleSignals = ["ready", "turn_started", "turn_ended"] as const;
const loopback = new Set(["127.0.0.1", "localhost", "[::1]"]);

export async function run(context: Context, _options: object, event: string | undefined): ActionResult {
  const { environment, output } = context;
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(timeoutMs)]);
  try {
    const payload = payloadOf(await read(signal), event);
    const url = environment["AGENT_RELAY_HOOK_URL"];
    const token = environment["AGENT_RELAY_TOKEN"];
    if (token === undefined || payload === undefined) return undefined;
    if (url !== undefined && url !== "") await post(new URL(url), token, payload, signal);
    else await signalOverSocket(context, payload);
  } catch (thrown) {
    // H1: a report that is lost costs a little time; the state is learnt from the next one.
    output.detail(thrown instanceof Error ? thrown.message : String(thrown));
  }
  return undefined;
}

/** The hook's own JSON, or a signal named on the command line. */
function payloadOf(text: string, event: string | undefined): Record<string, unknown> | undefined {
  const simple = simpleSignals.find((it) => it === event);
  if (simple !== undefined) return { signal: { type: simple }, source: "hook" };
  const parsed: unknown = text.trim() === "" ? {} : JSON.parse(text);
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
  return event === undefined || "hook_event_name" in parsed ? { ...parsed } : { ...parsed, hook_event_name: event };
}

function post(url: URL, token: string, payload: unknown, signal: AbortSignal): Promise<void> {
  if (url.protocol !== "http:" || !loopback.has(url.hostname)) throw new Error(`${url.origin} is not this machine`);
  const body = JSON.stringify(payload);
  return new Promise((resolve, reject) => {
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      authorization: `Bearer ${token}`,
    };
    const sent = request(url, { method: "POST", headers, signal }, (answer) => {
      answer.resume();
      answer.once("end", resolve);
      answer.once("error", reject);
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

/** Without an HTTP address only signals of the protocol's own form are understood. */
async function signalOverSocket(context: Context, payload: Readonly<Record<string, unknown>>): Promise<void> {
  const { withClient } = await import("../broker-connection.ts");
  const { methods } = await import("@agent-relay/protocol");
  const params = methods["agent.signal"].params.parse(payload);
  await withClient(context, { once: true }, (client) =>
    client.call("agent.signal", params, { signal: context.signal }),
  );
}

async function read(signal: AbortSignal): Promise<string> {
  if (process.stdin.isTTY) return "";
  const chunks: Buffer[] = [];
  let size = 0;
  signal.addEventListener("abort", () => process.stdin.destroy(), { once: true });
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > payloadBytesMax) throw new Error("the hook's JSON is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
