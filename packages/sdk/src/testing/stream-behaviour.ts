/** What a client does with events and output, over any transport. Run over linked transports and over a real socket. */
import { errorEnvelope } from "@agent-relay/protocol";
import type { RelayEvent } from "@agent-relay/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventBuffer } from "../streams/event-stream.ts";
import { clientSetup, collect, take } from "./client-setup.ts";
import type { TestLine } from "./lines.ts";
import { readLog } from "./scripted-broker.ts";
import { settle, until } from "./simulated-timers.ts";

export function streamBehaviour(
  name: string,
  openLine: () => Promise<TestLine>,
  options: { readonly runs: number },
): void {
  describe(name, () => {
    const { openTestLine, connect } = clientSetup(openLine);

    test("E1 events come in order from the cursor on", async () => {
      const line = await openTestLine();
      line.broker.append({}, {}, {});
      const client = await connect(line);
      const events = take(client.events({ from: 1 }), 4);
      await until(() => line.broker.connections[0]?.subscriptions.size === 1);
      line.broker.append({}, {});
      expect((await events).map((event) => event.sequence)).toEqual([2, 3, 4, 5]);
    });

    test("events from now on leave out what was before", async () => {
      const line = await openTestLine();
      line.broker.append({}, {}, {});
      const client = await connect(line);
      const events = take(client.events(), 1);
      await until(() => line.broker.connections[0]?.subscriptions.size === 1);
      line.broker.append({});
      expect((await events).map((event) => event.sequence)).toEqual([4]);
    });

    test("E2 a stream from now on misses nothing, although the connection dies before the broker has confirmed", async () => {
      const line = await openTestLine();
      line.broker.append({ at: 1 });
      const client = await connect(line);
      line.broker.append({ at: 2 });
      line.broker.subscribed = () => {
        line.broker.subscribed = () => true;
        line.cut();
        line.broker.append({ text: "missed?", at: Date.now() + 1 });
        return false;
      };
      expect((await take(client.events(), 1)).map((event) => event.sequence)).toEqual([3]);
    });

    test("E2 a stream that was opened while the connection was gone misses nothing since", async () => {
      const line = await openTestLine();
      line.broker.append({ at: 1 });
      const client = await connect(line);
      await line.fall();
      line.broker.append({ at: 2 });
      await settle();
      const events = take(client.events(), 1);
      line.broker.append({ at: Date.now() + 1 });
      await line.rise();
      expect((await events).map((event) => event.sequence)).toEqual([3]);
    });

    test("E1 an event that a broker sends twice is heard once", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.publishing = (event, id, connection) => {
        connection.send({ type: "event", id, event });
        return true;
      };
      const events = take(client.events({ from: 0 }), 3);
      await until(() => line.broker.connections[0]?.subscriptions.size === 1);
      line.broker.append({}, {}, {});
      expect((await events).map((event) => event.sequence)).toEqual([1, 2, 3]);
    });

    test("an event of a type that only a newer broker knows is passed over", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.append({}, { type: "agent_dreamt" } as unknown as RelayEvent, {});
      expect((await take(client.events({ from: 0 }), 2)).map((event) => event.sequence)).toEqual([1, 3]);
    });

    test("E1 no event is left out or repeated, wherever the connection dies", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 8 }),
          fc.integer({ min: 1, max: 40 }),
          async (cuts, total) => {
            const line = await openTestLine();
            const client = await connect(line);
            let sent = 0;
            const cutAt = new Set(cuts);
            line.broker.publishing = () => {
              sent += 1;
              if (cutAt.delete(sent)) line.cut();
              return true;
            };
            const events = take(client.events({ from: 0 }), total);
            for (let count = 0; count < total; count += 1) {
              line.broker.append({});
              if (count % 3 === 0) await settle(1);
            }
            expect((await events).map((event) => event.sequence)).toEqual(
              Array.from({ length: total }, (_, index) => index + 1),
            );
            await client.close();
          },
        ),
        { numRuns: options.runs },
      );
    });

    test("E4 what a gap leaves out is read back from the log", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.answer = (request) => (request.method === "events.read" ? readLog(line.broker, request) : "silence");
      line.broker.publishing = (event, id, connection) => {
        if (event.sequence === 1_300) {
          line.broker.publishing = () => true;
          connection.send({ type: "gap", id, from: 2, to: 1_300, reason: "not kept" });
          return false;
        }
        return event.sequence <= 2 || event.sequence > 1_300;
      };
      const events = take(client.events({ from: 0 }), 1_305);
      await until(() => line.broker.connections[0]?.subscriptions.size === 1);
      line.broker.append(...Array.from({ length: 1_305 }, () => ({})));
      expect((await events).map((event) => event.sequence)).toEqual(
        Array.from({ length: 1_305 }, (_, index) => index + 1),
      );
    });

    test("E3 reading back a gap waits for a slow reader too", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.answer = (request) => readLog(line.broker, request);
      line.broker.publishing = (event, id, connection) => {
        if (event.sequence === 1) connection.send({ type: "gap", id, from: 0, to: 4_000, reason: "not kept" });
        return event.sequence > 4_000;
      };
      const stream = client.events({ from: 0 });
      await until(() => line.broker.connections[0]?.subscriptions.size === 1);
      line.broker.append(...Array.from({ length: 4_000 }, () => ({})));
      await until(() => line.broker.requests.length === 3);
      await settle(20);
      expect(line.broker.requests).toHaveLength(3);
      expect((await take(stream, 4_000)).map((event) => event.sequence)).toEqual(
        Array.from({ length: 4_000 }, (_, index) => index + 1),
      );
    });

    test("E4 a gap that cannot be read back is a failure, not silence", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.answer = (request) => ({
        result: { events: [], next: (request.params as { from: number }).from, head: 9 },
      });
      line.broker.publishing = (_, id, connection) => {
        connection.send({ type: "gap", id, from: 0, to: 9, reason: "not kept" });
        return false;
      };
      const events = collect(client.events({ from: 0 }));
      await until(() => line.broker.connections[0]?.subscriptions.size === 1);
      line.broker.append({});
      await expect(events).rejects.toMatchObject({ code: "log_corrupt" });
    });

    test("E1 a subscription that the broker dropped as slow goes on at the cursor", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.publishing = (event, id, connection) => {
        if (event.sequence !== 3) return true;
        line.broker.publishing = () => true;
        connection.send({ type: "end", id, reason: "slow_consumer" });
        return false;
      };
      const events = take(client.events({ from: 0 }), 6);
      await until(() => line.broker.connections[0]?.subscriptions.size === 1);
      line.broker.append({}, {}, {}, {}, {}, {});
      expect((await events).map((event) => event.sequence)).toEqual([1, 2, 3, 4, 5, 6]);
    });

    test("a broker that ends a subscription again and again is believed", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.subscribed = (id, connection) => {
        connection.send({ type: "end", id, reason: "slow_consumer" });
        return false;
      };
      await expect(collect(client.events({ from: 0 }))).rejects.toMatchObject({ code: "slow_consumer" });
    });

    test("E5 a log that ends before the cursor is a failure", async () => {
      const line = await openTestLine();
      line.broker.append({}, {}, {});
      const client = await connect(line);
      const events = client.events({ from: 0 })[Symbol.asyncIterator]();
      for (let count = 0; count < 3; count += 1) await events.next();
      line.broker.log.length = 1;
      line.cut();
      await expect(events.next()).rejects.toMatchObject({ code: "log_corrupt" });
    });

    test("E3 a slow reader holds back its own stream only, in bounded memory, and loses nothing", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.answer = () => ({ result: { channels: [] } });
      const reader = client.events({ from: 0 })[Symbol.asyncIterator]();
      await until(() => line.broker.connections[0]?.subscriptions.size === 1);
      let published = 0;
      line.broker.publishing = () => {
        published += 1;
        return true;
      };
      line.broker.append(...Array.from({ length: 5_000 }, () => ({})));
      await until(() => line.broker.connections[0]?.subscriptions.size === 0);
      // The reader asks something while its buffer is full: the answer must not wait behind its own events.
      await client.call("channel.list", {});
      const seen: number[] = [];
      for (let count = 0; count < 5_000; count += 1) {
        const next = await reader.next();
        if (next.done === true) break;
        seen.push(next.value.sequence);
      }
      expect(seen).toEqual(Array.from({ length: 5_000 }, (_, index) => index + 1));
      expect(published).toBeGreaterThanOrEqual(5_000);
      expect(eventBuffer.itemsMax).toBeLessThan(5_000);
    });

    test("leaving the loop ends the subscription", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.append({}, {});
      await take(client.events({ from: 0 }), 1);
      await until(() => line.broker.connections[0]?.subscriptions.size === 0);
    });

    test("aborting ends the stream without an error", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      const controller = new AbortController();
      const events = collect(client.events({ from: 0, signal: controller.signal }));
      await until(() => line.broker.connections[0]?.subscriptions.size === 1);
      controller.abort();
      await expect(events).resolves.toEqual([]);
      await until(() => line.broker.connections[0]?.subscriptions.size === 0);
    });

    test("O1 O2 output goes on at its offset over reconnects and starts anew with a new incarnation", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      const output = (id: number, epoch: number, offset: number, text: string) => ({
        type: "output",
        id,
        epoch,
        offset,
        data: Buffer.from(text).toString("base64"),
      });
      let times = 0;
      line.broker.followed = (id, _agent, from, connection) => {
        times += 1;
        if (times === 1) {
          connection.send(output(id, 1, 0, "hello "));
          connection.send(output(id, 1, 6, "wor"));
          void settle(2).then(line.cut);
          return;
        }
        expect(from).toBe(0);
        if (times === 2) {
          connection.send({ type: "gap", id, from: 0, to: 2, reason: "not kept" });
          connection.send(output(id, 1, 2, "llo "));
          connection.send(output(id, 1, 6, "world"));
          connection.send({ type: "gap", id, from: 11, to: 15, reason: "not kept" });
          connection.send(output(id, 1, 15, "!"));
          void settle(2).then(line.cut);
          return;
        }
        connection.send(output(id, 2, 0, "again"));
        connection.send(output(id, 1, 16, "a ghost"));
        connection.send({ type: "end", id, reason: "ended" });
      };
      const chunks: unknown[] = [];
      for await (const chunk of client.output("ada", { from: 0 })) {
        chunks.push(
          chunk.type === "output"
            ? [chunk.epoch, chunk.offset, Buffer.from(chunk.data).toString()]
            : [chunk.type, chunk.from, chunk.to],
        );
      }
      expect(chunks).toEqual([
        [1, 0, "hello "],
        [1, 6, "wor"],
        [1, 9, "ld"],
        ["gap", 11, 15],
        [1, 15, "!"],
        [2, 0, "again"],
      ]);
    });

    test("O2 an offset of the old incarnation is not used for the new one", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      const froms: number[] = [];
      line.broker.followed = (id, _agent, from, connection) => {
        const send = (epoch: number, offset: number, text: string): void =>
          connection.send({ type: "output", id, epoch, offset, data: Buffer.from(text).toString("base64") });
        froms.push(from);
        if (froms.length === 1) {
          send(1, 5, "old");
          connection.send({ type: "end", id, reason: "slow_consumer" });
        } else if (from > 0) send(2, from, "middle of the new");
        else {
          send(2, 0, "new");
          connection.send({ type: "end", id, reason: "ended" });
        }
      };
      const chunks: unknown[] = [];
      for await (const chunk of client.output("ada", { from: 5 })) {
        chunks.push(chunk.type === "output" ? [chunk.epoch, chunk.offset, Buffer.from(chunk.data).toString()] : chunk);
      }
      expect([chunks, froms]).toEqual([
        [
          [1, 5, "old"],
          [2, 0, "new"],
        ],
        [5, 8, 0],
      ]);
    });

    test("O2 an offset that the new incarnation has not reached is not waited for", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      const froms: number[] = [];
      line.broker.followed = (id, _agent, from, connection) => {
        froms.push(from);
        connection.send({ type: "subscribed", id, from: Math.min(from, 3) });
        if (from > 0) return;
        connection.send({ type: "output", id, epoch: 2, offset: 0, data: Buffer.from("new").toString("base64") });
        connection.send({ type: "end", id, reason: "ended" });
      };
      const chunks = await collect(client.output("ada", { from: 5_000 }));
      expect([chunks, froms]).toMatchObject([[{ type: "output", epoch: 2, offset: 0 }], [5_000, 0]]);
    });

    test("O1 a gap in the middle of what is followed is told at once, and not with the next output", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.followed = (id, _agent, _from, connection) => {
        connection.send({ type: "output", id, epoch: 1, offset: 0, data: Buffer.from("ab").toString("base64") });
        connection.send({ type: "gap", id, from: 2, to: 9, reason: "no_longer_kept" });
      };
      const chunks = await take(client.output("ada"), 2);
      expect(chunks).toMatchObject([
        { type: "output", offset: 0 },
        { type: "gap", from: 2, to: 9 },
      ]);
    });

    test("O1 output that skips an offset without a word is told as a gap", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.followed = (id, _agent, _from, connection) => {
        connection.send({ type: "output", id, epoch: 1, offset: 0, data: Buffer.from("ab").toString("base64") });
        connection.send({ type: "output", id, epoch: 1, offset: 9, data: Buffer.from("c").toString("base64") });
        connection.send({ type: "end", id, reason: "ended" });
      };
      const chunks = await collect(client.output("ada"));
      expect(chunks.map((chunk) => (chunk.type === "gap" ? [chunk.from, chunk.to] : chunk.offset))).toEqual([
        0,
        [2, 9],
        9,
      ]);
    });

    test("O3 slow reading of output loses nothing and skips nothing silently", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      const all = Buffer.alloc(6 * 1_048_576, "abcdefghij");
      const chunk = 65_536;
      let followed = 0;
      line.broker.followed = (id, _agent, from, connection) => {
        followed += 1;
        for (let offset = from; offset < all.length; offset += chunk) {
          connection.send({
            type: "output",
            id,
            epoch: 1,
            offset,
            data: all.subarray(offset, offset + chunk).toString("base64"),
          });
        }
        connection.send({ type: "end", id, reason: "ended" });
      };
      const reader = client.output("ada", { from: 0 })[Symbol.asyncIterator]();
      await until(() => followed === 1 && line.broker.connections[0]?.follows.size === 0);
      let at = 0;
      for (let next = await reader.next(); next.done !== true; next = await reader.next()) {
        expect(next.value.type === "output" && next.value.offset).toBe(at);
        at += next.value.type === "output" ? next.value.data.length : 0;
      }
      expect(at).toBe(all.length);
      expect(followed).toBeGreaterThan(1);
    });

    test("output of an agent that does not exist is a refusal", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.followed = (id, _agent, _from, connection) =>
        connection.send({ type: "error", id, error: errorEnvelope("unknown_agent", "no agent bob") });
      await expect(collect(client.output("bob"))).rejects.toMatchObject({ code: "unknown_agent" });
    });
  });
}
