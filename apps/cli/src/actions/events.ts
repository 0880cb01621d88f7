import type { RelayEvent } from "@agent-relay/protocol";
import type { Client } from "@agent-relay/sdk";
import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { eventLine } from "../rendering/event-line.ts";

interface EventsOptions {
  readonly follow?: true;
  readonly from?: number;
  readonly type?: readonly string[];
  readonly agent?: readonly string[];
  readonly limit?: number;
}

type Filter = { types?: string[]; agents?: string[] };

const newestByDefault = 50;
const pageMax = 500;

export async function run(context: Context, options: EventsOptions): ActionResult {
  const filter: Filter = {};
  if (options.type !== undefined) filter.types = [...options.type];
  if (options.agent !== undefined) filter.agents = [...options.agent];
  await withClient(context, {}, async (client) => {
    if (options.follow === true) await follow(client, filter, options, context);
    else if (options.from === undefined) await printNewest(client, filter, options.limit ?? newestByDefault, context);
    else await printFrom(client, filter, options.from, options.limit ?? Number.POSITIVE_INFINITY, context);
  });
  return undefined;
}

async function follow(client: Client, filter: Filter, options: EventsOptions, context: Context): Promise<void> {
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  const from = options.from === undefined ? {} : { from: options.from };
  for await (const event of client.events({ ...from, filter, signal: context.signal })) {
    print(event, context);
    left -= 1;
    if (left <= 0) return;
  }
}

async function printFrom(client: Client, filter: Filter, from: number, limit: number, context: Context): Promise<void> {
  let left = limit;
  for await (const page of pages(client, filter, from, context)) {
    for (const event of page) {
      print(event, context);
      left -= 1;
      if (left <= 0) return;
    }
  }
}

/** Reads forward, because only the broker's log knows where the newest matching ones begin; keeps just what is shown. */
async function printNewest(client: Client, filter: Filter, limit: number, context: Context): Promise<void> {
  const isFiltered = filter.types !== undefined || filter.agents !== undefined;
  const start = isFiltered ? 0 : Math.max(0, (await head(client, context)) - limit);
  let newest: RelayEvent[] = [];
  for await (const page of pages(client, filter, start, context)) newest = [...newest, ...page].slice(-limit);
  for (const event of newest) print(event, context);
  if (newest.length === 0) context.output.note("No events.");
}

async function head(client: Client, context: Context): Promise<number> {
  return (await client.call("events.read", { from: 0, limit: 1 }, { signal: context.signal })).head;
}

async function* pages(
  client: Client,
  filter: Filter,
  from: number,
  context: Context,
): AsyncGenerator<readonly RelayEvent[]> {
  let cursor = from;
  for (;;) {
    const page = await client.call("events.read", { from: cursor, limit: pageMax, filter }, { signal: context.signal });
    yield page.events as readonly RelayEvent[];
    if (page.next <= cursor || page.next >= page.head) return;
    cursor = page.next;
  }
}

function print(event: RelayEvent, context: Context): void {
  const { output } = context;
  if (output.isJson) output.streamed(event);
  else output.line(eventLine(event, output, context.now()));
}
