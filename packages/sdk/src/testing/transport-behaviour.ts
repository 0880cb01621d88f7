/** What every transport promises. */
import { afterEach, describe, expect, test } from "vitest";
import type { Transport } from "../wire/transport.ts";
import { settle, until } from "./simulated-timers.ts";

export interface TransportPair {
  readonly client: Transport;
  readonly server: Transport;
  readonly cut: () => void;
  readonly close: () => Promise<void>;
}

export function transportBehaviour(name: string, open: () => Promise<TransportPair>): void {
  describe(name, () => {
    const closers: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const close of closers.splice(0)) await close();
    });
    const openPair = async (): Promise<TransportPair> => {
      const pair = await open();
      closers.push(pair.close);
      return pair;
    };
    const record = (transport: Transport): { readonly heard: string[]; readonly closes: string[] } => {
      const heard: string[] = [];
      const closes: string[] = [];
      transport.onMessage((text) => heard.push(text));
      transport.onClose((reason) => closes.push(reason));
      return { heard, closes };
    };

    test("T1 frames arrive whole and in order, both ways", async () => {
      const { client, server } = await openPair();
      const atServer = record(server);
      const atClient = record(client);
      const sent = Array.from({ length: 500 }, (_, index) => `${index} é ${"x".repeat(index * 7)}`);
      for (const text of sent) client.send(text);
      server.send("back");
      await until(() => atServer.heard.length === sent.length && atClient.heard.length === 1);
      expect(atServer.heard).toEqual(sent);
      expect(atClient.heard).toEqual(["back"]);
    });

    test("T2 what arrives before anyone listens waits", async () => {
      const { client, server } = await openPair();
      server.send("early");
      await settle(20);
      const { heard } = record(client);
      await until(() => heard.length === 1);
      expect(heard).toEqual(["early"]);
    });

    test("T3 T4 closing tells both ends once, after what was sent, and sending afterwards does nothing", async () => {
      const { client, server } = await openPair();
      const atServer = record(server);
      const atClient = record(client);
      client.send("last");
      client.close();
      client.close();
      client.send("too late");
      await until(() => atServer.closes.length > 0 && atClient.closes.length > 0);
      await settle();
      expect(atServer.heard).toEqual(["last"]);
      expect([atServer.closes.length, atClient.closes.length]).toEqual([1, 1]);
      client.send("far too late");
    });

    test("T3 a line that is cut tells both ends", async () => {
      const { client, server, cut } = await openPair();
      const atServer = record(server);
      const atClient = record(client);
      cut();
      await until(() => atServer.closes.length > 0 && atClient.closes.length > 0);
      expect([atServer.closes.length, atClient.closes.length]).toEqual([1, 1]);
    });
  });
}
