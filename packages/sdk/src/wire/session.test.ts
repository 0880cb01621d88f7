import { relayError } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import { connectClient, type ConnectClientOptions } from "../connect-client.ts";
import type { Client } from "../client.ts";
import { collect } from "../testing/client-setup.ts";
import { linkedLine } from "../testing/lines.ts";
import { settle, simulatedTimers, type SimulatedTimers } from "../testing/simulated-timers.ts";
import { welcomeTimeoutMs } from "./session.ts";
import { linkedTransports, type Transport } from "./transport.ts";

async function connected(
  more: Partial<ConnectClientOptions> = {},
): Promise<{ client: Client; timers: SimulatedTimers; line: Awaited<ReturnType<typeof linkedLine>>; dials: number[] }> {
  const timers = simulatedTimers();
  const line = await linkedLine(timers);
  const dials: number[] = [];
  const address = line.address as {
    readonly dial: (signal: AbortSignal) => Promise<ReturnType<typeof linkedTransports>["client"]>;
  };
  const dial = (signal: AbortSignal): ReturnType<typeof address.dial> => {
    dials.push(timers.now());
    return address.dial(signal);
  };
  const client = await connectClient({ dial, client: { name: "test", version: "1" }, timers, ...more });
  return { client, timers, line, dials };
}

const gaps = (times: readonly number[]): number[] => times.slice(1).map((time, index) => time - (times[index] ?? 0));

test("S2 the delay doubles up to its bound, half of it chance", async () => {
  const { client, timers, line, dials } = await connected();
  await line.fall();
  await timers.advance(5_000);
  expect(gaps(dials).slice(0, 9)).toEqual([15, 30, 60, 120, 240, 480, 750, 750, 750]);
  await client.close();
});

test("S2 after a connection that held the delays start small again, after one that did not they go on", async () => {
  const { client, timers, line, dials } = await connected();
  const firstDelayAfter = async (heldMs: number): Promise<number> => {
    await timers.advance(heldMs);
    const [lostAt, before] = [timers.now(), dials.length];
    line.cut();
    await timers.advance(2_000);
    return (dials[before] ?? 0) - lostAt;
  };
  expect(await firstDelayAfter(10)).toBe(15);
  line.cut();
  await timers.advance(50);
  expect(await firstDelayAfter(10)).toBe(30);
  expect(await firstDelayAfter(1_000)).toBe(15);
  await client.close();
});

test("S2 what is under way fails when the broker has been away for giveUpAfterMs, and not before", async () => {
  const lost: string[] = [];
  const { client, timers, line } = await connected({ onLost: (error) => lost.push(error.code) });
  line.broker.answer = () => "silence";
  const outcome = client.call("channel.list", {}).then(
    () => "answered",
    (error: { code: string }) => error.code,
  );
  const events = collect(client.events()).then(
    () => "ended",
    (error: { code: string }) => error.code,
  );
  await settle();
  await line.fall();
  await timers.advance(28_900);
  expect(lost).toEqual([]);
  await timers.advance(1_200);
  expect([await outcome, await events, lost]).toEqual([
    "broker_unreachable",
    "broker_unreachable",
    ["broker_unreachable"],
  ]);
  expect(timers.pending()).toBe(0);
});

test("S2 after giving up the next call dials again", async () => {
  const { client, timers, line } = await connected();
  await line.fall();
  await timers.advance(60_000);
  await line.rise();
  line.broker.answer = () => ({ result: { channels: [] } });
  await expect(client.call("channel.list", {})).resolves.toEqual({ channels: [] });
});

test("a patient stream outlasts giving up and goes on at its cursor", async () => {
  const { client, timers, line } = await connected();
  const seen: number[] = [];
  const reading = (async () => {
    for await (const event of client.events({ from: 0, patient: true })) seen.push(event.sequence);
  })();
  line.broker.append({});
  await settle();
  await line.fall();
  await timers.advance(60_000);
  line.broker.append({}, {});
  await line.rise();
  line.broker.answer = () => ({ result: { channels: [] } });
  await client.call("channel.list", {});
  line.broker.append({});
  await settle();
  expect(seen).toEqual([1, 2, 3, 4]);
  await client.close();
  await reading;
});

test("S2 the first connection is tried for as long as was said", async () => {
  const timers = simulatedTimers();
  const line = await linkedLine(timers);
  await line.fall();
  const connecting = connectClient({
    ...line.address,
    client: { name: "test", version: "1" },
    timers,
    waitForBrokerMs: 3_000,
  });
  await timers.advance(2_000);
  await line.rise();
  await timers.advance(1_000);
  await expect(connecting).resolves.toBeDefined();
});

test("S2 a peer that never welcomes us is given up", async () => {
  const timers = simulatedTimers();
  const connecting = connectClient({
    dial: () => Promise.resolve(linkedTransports().client),
    client: { name: "test", version: "1" },
    timers,
  });
  const outcome = connecting.catch((error: { message: string }) => error.message);
  await timers.advance(welcomeTimeoutMs);
  expect(await outcome).toContain("did not welcome us within 5000 ms");
  expect(timers.pending()).toBe(0);
});

test("S3 a refusal that is final is not tried again, also after the connection had been up", async () => {
  const { client, timers, line, dials } = await connected();
  line.broker.refuse = () => ({ code: "epoch_expired", message: "over", retryable: false });
  line.cut();
  await timers.advance(60_000);
  expect(dials).toHaveLength(2);
  await expect(client.call("channel.list", {})).rejects.toMatchObject({ code: "epoch_expired" });
});

test("S4 a frame of an older connection is not heard", async () => {
  const { client, timers, line } = await connected();
  const [first] = line.broker.connections;
  line.broker.answer = () => "silence";
  const events = client.events({ from: 0 })[Symbol.asyncIterator]();
  await settle();
  line.cut();
  first?.send({ type: "surprise" });
  await timers.advance(1_000);
  line.broker.append({});
  await expect(events.next()).resolves.toMatchObject({ value: { sequence: 1 } });
  await client.close();
});

test("S4 a connection that we gave up is not heard, whatever it still says", async () => {
  const timers = simulatedTimers();
  const welcome =
    '{"type":"welcome","version":1,"broker":{"pid":1,"version":"0","startedAt":1,"nonce":"n"},"principal":{"kind":"operator","name":"operator"},"head":0}';
  const says: ((text: string) => void)[] = [];
  const dial = (): Promise<Transport> =>
    Promise.resolve({
      send: () => undefined,
      close: () => undefined,
      onClose: () => undefined,
      onMessage: (listener) => void says.push(listener),
    });
  const connecting = connectClient({ dial, client: { name: "test", version: "1" }, timers });
  await settle();
  says[0]?.(welcome);
  const client = await connecting;
  const call = client.call("channel.list", {});
  says[0]?.('{"type":"error","id":1,"error":{"code":"broker_stopping","message":"going","retryable":true}}');
  says[0]?.('{"type":"surprise"}');
  await timers.advance(100);
  says[1]?.(welcome);
  says[1]?.('{"type":"result","id":1,"result":{"channels":[]}}');
  await expect(call).resolves.toEqual({ channels: [] });
});

test("S5 closing calls off the dialling, and closes what it opens too late", async () => {
  const { client, server } = linkedTransports();
  const controller = new AbortController();
  let open: ((transport: Transport) => void) | undefined;
  let dialling: AbortSignal | undefined;
  const dial = (signal: AbortSignal): Promise<Transport> => {
    dialling = signal;
    return new Promise((resolve) => (open = resolve));
  };
  const connecting = connectClient({
    dial,
    client: { name: "test", version: "1" },
    timers: simulatedTimers(),
    signal: controller.signal,
  });
  controller.abort();
  await expect(connecting).rejects.toMatchObject({ code: "cancelled" });
  expect(dialling?.aborted).toBe(true);
  const closed = new Promise((resolve) => server.onClose(resolve));
  open?.(client);
  expect(await closed).toBe("the other end closed");
});

test("S5 closing while dialling leaves nothing behind", async () => {
  const { client, timers, line, dials } = await connected();
  await line.fall();
  await timers.advance(100);
  const before = dials.length;
  await client.close();
  await line.rise();
  await timers.advance(60_000);
  expect([dials.length, timers.pending()]).toEqual([before, 0]);
});

test("aborting the signal of the client closes it", async () => {
  const controller = new AbortController();
  const { client, line } = await connected({ signal: controller.signal });
  line.broker.answer = () => "silence";
  const outcome = client.call("channel.list", {}).catch((error: { code: string }) => error.code);
  controller.abort();
  expect(await outcome).toBe("cancelled");
});

test("aborting while the first connection is tried rejects with cancelled", async () => {
  const controller = new AbortController();
  const timers = simulatedTimers();
  const dial = (): Promise<never> => Promise.reject(relayError("broker_unreachable", "nobody"));
  const connecting = connectClient({
    dial,
    client: { name: "test", version: "1" },
    timers,
    waitForBrokerMs: 10_000,
    signal: controller.signal,
  });
  const outcome = connecting.catch((error: { code: string }) => error.code);
  await timers.advance(500);
  controller.abort();
  expect(await outcome).toBe("cancelled");
  expect(timers.pending()).toBe(0);
});

test("a question that is asked again waits only for what is left of its time", async () => {
  const { client, timers, line } = await connected();
  line.broker.answer = () => "silence";
  const call = client.call("agent.wait", { names: ["ada"], until: "idle", timeoutMs: 5_000 });
  await settle();
  await line.fall();
  await timers.advance(2_000);
  await line.rise();
  line.broker.answer = () => ({ result: { agents: [] } });
  await timers.advance(1_000);
  await call;
  const [first, second] = line.broker.requests.map((request) => (request.params as { timeoutMs: number }).timeoutMs);
  expect(first).toBe(5_000);
  expect(second).toBeGreaterThanOrEqual(2_000);
  expect(second).toBeLessThanOrEqual(3_000);
});
