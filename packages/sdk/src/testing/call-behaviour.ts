/** What a client does with calls, over any transport. Run over linked transports and over a real socket. */
import { errorEnvelope } from "@agent-relay/protocol";
import { describe, expect, test } from "vitest";
import { repeatsMax } from "../calls.ts";
import { clientSetup, collect, take } from "./client-setup.ts";
import type { TestLine } from "./lines.ts";
import { settle, until } from "./simulated-timers.ts";

const receipt = { messageId: "msg_0123456789", sequence: 1, threadId: "msg_0123456789", recipients: ["ada"] };

export function callBehaviour(name: string, openLine: () => Promise<TestLine>): void {
  describe(name, () => {
    const { openTestLine, connect } = clientSetup(openLine);

    test("S1 K1 says hello with everything about itself, and knows who it is taken for", async () => {
      const line = await openTestLine();
      const client = await connect(line, { as: "wolf", token: "secret", originActor: "agent-relay-cli/cli" });
      expect(line.broker.connections[0]?.hello()).toEqual({
        type: "hello",
        versions: { min: 1, max: 1 },
        client: { name: "test", version: "1" },
        as: "wolf",
        token: "secret",
        originActor: "agent-relay-cli/cli",
      });
      expect(client.principal()).toEqual({ kind: "operator", name: "wolf" });
      expect(client.broker().nonce).toBe("first");
    });

    test("S3 a wrong token is final", async () => {
      const line = await openTestLine();
      line.broker.refuse = () => errorEnvelope("unauthenticated", "the token is wrong");
      await expect(connect(line, { waitForBrokerMs: 60_000 })).rejects.toMatchObject({ code: "unauthenticated" });
      expect(line.broker.connections).toHaveLength(1);
    });

    test("S3 a protocol version that we do not speak is final", async () => {
      const line = await openTestLine();
      line.broker.welcome = { version: 99 };
      await expect(connect(line, { waitForBrokerMs: 60_000 })).rejects.toMatchObject({ code: "unsupported_version" });
      expect(line.broker.connections).toHaveLength(1);
    });

    test("S3 a frame that is not of this protocol ends the client", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.answer = (_, connection) => {
        connection.send('{"type":"surprise"}');
        return "silence";
      };
      await expect(client.call("broker.status", {})).rejects.toMatchObject({ code: "invalid_frame" });
      await expect(client.call("broker.status", {})).rejects.toMatchObject({ code: "invalid_frame" });
      expect(line.broker.connections).toHaveLength(1);
    });

    test("nobody there is told at once, with what to do", async () => {
      const line = await openTestLine();
      await line.fall();
      await expect(connect(line)).rejects.toMatchObject({ code: "broker_unreachable", retryable: true });
    });

    test("a refusal comes back as a RelayError with its code, hint and data", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.answer = () => ({
        error: errorEnvelope("unknown_agent", "no agent bob", { hint: "try ada", data: { nearest: ["ada"] } }),
      });
      await expect(client.call("message.send", { to: "bob", body: "x" })).rejects.toMatchObject({
        name: "RelayError",
        code: "unknown_agent",
        hint: "try ada",
        data: { nearest: ["ada"] },
      });
    });

    test("an answer that is not of the method's shape is a violation of that call only", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.answer = (request) => ({
        result: request.method === "channel.list" ? { channels: [] } : { wrong: true },
      });
      await expect(client.call("message.send", { to: "ada", body: "x" })).rejects.toMatchObject({
        code: "invalid_frame",
      });
      await expect(client.call("channel.list", {})).resolves.toEqual({ channels: [] });
    });

    test("C1 a command is repeated under the same id when the connection dies before the answer", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      let drops = 3;
      line.broker.answer = () => (drops-- > 0 ? "hang-up" : { result: receipt });
      await expect(client.call("message.send", { to: "ada", body: "hello" })).resolves.toEqual(receipt);
      const ids = line.broker.requests.map((request) => request.commandId);
      expect(ids).toHaveLength(4);
      expect(new Set(ids).size).toBe(1);
      expect(ids[0]).toMatch(/^[\x21-\x7e]{8,128}$/);
    });

    test("C1 a command id of one's own is used", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.answer = () => ({ result: receipt });
      await client.call("message.send", { to: "ada", body: "x" }, { commandId: "deploy-2024-01" });
      expect(line.broker.requests[0]?.commandId).toBe("deploy-2024-01");
    });

    test("C1 a broker that is stopping is not an answer: the next one is asked", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      let stopping = 2;
      line.broker.answer = () =>
        stopping-- > 0 ? { error: errorEnvelope("broker_stopping", "going") } : { result: receipt };
      await expect(client.call("message.send", { to: "ada", body: "x" })).resolves.toEqual(receipt);
      expect(new Set(line.broker.requests.map((request) => request.commandId)).size).toBe(1);
    });

    test("C2 a question is asked again, and waits only for what is left of its time", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      let drops = 1;
      line.broker.answer = () => (drops-- > 0 ? "hang-up" : { result: { agents: [] } });
      await client.call("agent.wait", { names: ["ada"], until: "idle", timeoutMs: 5_000 });
      const [first, second] = line.broker.requests.map(
        (request) => (request.params as { timeoutMs: number }).timeoutMs,
      );
      expect(first).toBe(5_000);
      expect(second).toBeLessThanOrEqual(5_000);
      expect(line.broker.requests.every((request) => request.commandId === undefined)).toBe(true);
    });

    test.each(["broker.shutdown", "terminal.write"] as const)("C3 %s is not sent twice", async (method) => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.answer = () => "hang-up";
      const call =
        method === "broker.shutdown"
          ? client.call(method, {})
          : client.call(method, { name: "ada", leaseId: "lease-01", data: "" });
      await expect(call).rejects.toMatchObject({ code: "broker_unreachable" });
      line.broker.answer = () => ({ result: { channels: [] } });
      await client.call("channel.list", {});
      expect(line.broker.requests.filter((request) => request.method === method)).toHaveLength(1);
    });

    test("C4 calls go out in the order in which they were made, also after a reconnect", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.answer = () => "silence";
      const calls = ["a", "b", "c", "d"].map((body) => client.call("message.send", { to: "ada", body }));
      await until(() => line.broker.requests.length === 4);
      line.broker.requests.length = 0;
      line.broker.answer = () => ({ result: receipt });
      line.cut();
      await Promise.all(calls);
      expect(line.broker.requests.map((request) => (request.params as { body: string }).body)).toEqual([
        "a",
        "b",
        "c",
        "d",
      ]);
    });

    test("C5 aborting fails the call at once, tells the broker, and the late answer is ignored", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.answer = (request) => (request.method === "agent.wait" ? "silence" : { result: { channels: [] } });
      const controller = new AbortController();
      const call = client.call(
        "agent.wait",
        { names: ["ada"], until: "idle", timeoutMs: 1_000 },
        { signal: controller.signal },
      );
      await until(() => line.broker.requests.length === 1);
      controller.abort("enough");
      await expect(call).rejects.toMatchObject({ code: "cancelled", cause: "enough" });
      await client.call("channel.list", {});
      expect(line.broker.cancelled).toEqual([line.broker.requests[0]?.id]);
    });

    test("C5 a signal that is already aborted sends nothing", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      await expect(client.call("channel.list", {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: "cancelled",
      });
      expect(line.broker.requests).toHaveLength(0);
    });

    test("a request over the bound of a frame is refused here", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      await expect(client.call("message.send", { to: "ada", body: "x".repeat(1_100_000) })).rejects.toMatchObject({
        code: "frame_too_large",
      });
      expect(line.broker.requests).toHaveLength(0);
    });

    test("C7 no more requests are with the broker than it takes, and all get their answer", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.answer = () => "silence";
      const calls = Array.from({ length: 1_500 }, () => client.call("channel.list", {}));
      await until(() => line.broker.requests.length >= 1_024);
      await settle();
      expect(line.broker.requests).toHaveLength(1_024);
      const [connection] = line.broker.connections;
      line.broker.answer = () => ({ result: { channels: [] } });
      for (const request of [...line.broker.requests])
        connection?.send({ type: "result", id: request.id, result: { channels: [] } });
      await Promise.all(calls);
      expect(line.broker.requests).toHaveLength(1_500);
    });

    test("K2 after a reconnect streams are taken up before calls are repeated", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.answer = () => "silence";
      const call = client.call("message.send", { to: "ada", body: "x" });
      const events = client.events({ from: 0 });
      await until(() => line.broker.requests.length === 1 && line.broker.connections[0]?.subscriptions.size === 1);
      let subscribed = 0;
      line.broker.answer = (_, connection) => {
        subscribed = connection.subscriptions.size;
        return { result: receipt };
      };
      line.cut();
      await call;
      expect(subscribed).toBe(1);
      void events;
    });

    test("the head is the newest sequence that was heard of: by the welcome, an event or a receipt", async () => {
      const line = await openTestLine();
      line.broker.append({}, {}, {});
      const client = await connect(line);
      expect(client.head()).toBe(3);
      const events = take(client.events(), 1);
      await until(() => line.broker.connections[0]?.subscriptions.size === 1);
      line.broker.append({});
      await events;
      expect(client.head()).toBe(4);
      line.broker.answer = () => ({ result: { ...receipt, sequence: 9 } });
      await client.call("message.send", { to: "ada", body: "x" });
      expect(client.head()).toBe(9);
    });

    test("K3 closing fails calls with cancelled, ends streams, and can be done twice", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      line.broker.answer = () => "silence";
      const call = client.call("channel.list", {});
      const events = collect(client.events());
      await until(() => line.broker.requests.length === 1);
      const closing = client.close();
      await expect(call).rejects.toMatchObject({ code: "cancelled" });
      await expect(events).resolves.toEqual([]);
      await Promise.all([closing, client.close()]);
      await until(() => line.broker.connections[0]?.isOpen() === false);
      await expect(client.call("channel.list", {})).rejects.toMatchObject({ code: "cancelled" });
    });

    test("C6 a call that kills every connection fails in the end", async () => {
      const line = await openTestLine();
      const client = await connect(line, { reconnect: { delayMs: 1, delayMsMax: 1 } });
      line.broker.answer = () => "hang-up";
      await expect(client.call("channel.list", {})).rejects.toMatchObject({ code: "broker_unreachable" });
      expect(line.broker.requests).toHaveLength(repeatsMax);
    });

    test("without reconnecting a lost connection fails everything, and the next call tries once more", async () => {
      const line = await openTestLine();
      const client = await connect(line, { reconnect: false });
      const events = collect(client.events());
      line.broker.answer = () => "hang-up";
      await expect(client.call("channel.list", {})).rejects.toMatchObject({ code: "broker_unreachable" });
      await expect(events).rejects.toMatchObject({ code: "broker_unreachable" });
      line.broker.answer = () => ({ result: { channels: [] } });
      await expect(client.call("channel.list", {})).resolves.toEqual({ channels: [] });
    });

    test("a broker that comes back is found", async () => {
      const line = await openTestLine();
      const client = await connect(line);
      await line.fall();
      line.broker.answer = () => ({ result: { channels: [] } });
      line.broker.welcome = { broker: { pid: 2, version: "0.0.0", startedAt: 2, nonce: "second" } };
      const call = client.call("channel.list", {});
      await settle();
      await line.rise();
      await expect(call).resolves.toEqual({ channels: [] });
      expect(client.broker().nonce).toBe("second");
    });
  });
}
