/** What every suite over a client begins and ends with. */
import { afterEach } from "vitest";
import type { Client } from "../client.ts";
import { connectClient, type ConnectClientOptions } from "../connect-client.ts";
import type { TestLine } from "./lines.ts";

export interface ClientSetup {
  readonly openTestLine: () => Promise<TestLine>;
  readonly connect: (line: TestLine, more?: Partial<ConnectClientOptions>) => Promise<Client>;
}

/** Lines and clients that are closed after each test. */
export function clientSetup(openLine: () => Promise<TestLine>): ClientSetup {
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  return {
    openTestLine: async () => {
      const line = await openLine();
      closers.push(line.close);
      return line;
    },
    connect: async (line, more = {}) => {
      const client = await connectClient({
        ...line.address,
        client: { name: "test", version: "1" },
        timers: line.timers,
        ...more,
      });
      closers.push(client.close);
      return client;
    },
  };
}

export async function collect<Item>(stream: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

export async function take<Item>(stream: AsyncIterable<Item>, count: number): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of stream) {
    items.push(item);
    if (items.length === count) break;
  }
  return items;
}
