/** A real process on real pipes under the terminals' host, and brokers that come and go. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Fact } from "@agent-relay/protocol";
import { CrashableLog } from "@agent-relay/testkit";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { hostPlace, type HostPlace } from "../../pty/test/host-place.ts";
import type { Caller } from "../src/service.ts";
import type { Broker } from "../src/shell/open-broker.ts";
import { systemClock } from "../src/shell/system-clock.ts";
import { openTerminalLogs } from "../src/shell/terminal-log.ts";
import { timeSortedIds } from "../src/shell/time-sorted-ids.ts";
import { openPlainBroker } from "../src/testing/plain-broker.ts";
import { quiet } from "../src/testing/quiet.ts";
import { scriptedHarnesses } from "../src/testing/scripted-harnesses.ts";
import { talkingProgramArgv } from "../src/testing/talking-program.ts";

const operator: Caller = { principal: { kind: "operator", name: "operator" }, actor: undefined };

let place: HostPlace;
let folder = "";
let log: CrashableLog<Fact>;
let broker: Broker | undefined;
let commands = 0;

beforeEach(async () => {
  place = await hostPlace();
  folder = mkdtempSync(path.join(tmpdir(), "headless-"));
  log = new CrashableLog<Fact>();
});
afterEach(async () => {
  await broker?.close({ endAgents: false });
  await place.dispose();
  rmSync(folder, { recursive: true, force: true });
});

async function open(): Promise<void> {
  const clock = systemClock();
  broker = openPlainBroker({
    log,
    clock,
    ids: timeSortedIds(clock),
    harnesses: {
      ...scriptedHarnesses,
      prepare: async (of, launch) => ({
        ...(await scriptedHarnesses.prepare(of, launch)),
        argv: [process.execPath, ...talkingProgramArgv],
        cwd: folder,
      }),
    },
    openHost: () => place.start(),
    logs: openTerminalLogs({ directory: path.join(folder, "logs"), logger: quiet }),
    project: folder,
    stateDir: folder,
    defer: setImmediate,
  });
  await broker.start();
}

const call = async (method: string, params: object): Promise<unknown> =>
  broker?.service.call(operator, method, params, { commandId: `c${(commands += 1)}` });
const send = (body: string): Promise<unknown> => call("message.send", { to: { kind: "agent", name: "ada" }, body });
const status = async (): Promise<unknown> =>
  ((await call("agent.list", { all: true })) as { agents: { name: string; status: string }[] }).agents.find(
    (it) => it.name === "ada",
  )?.status;
const count = (type: Fact["type"]): number => log.history().filter((it) => it.type === type).length;
const eventually = (check: () => Promise<void> | void): Promise<void> => vi.waitFor(check, { timeout: 60_000 });

test("a process on pipes talks, asks, is answered, outlives its broker and is released", async () => {
  await open();
  await call("agent.spawn", { name: "ada", launch: { cli: "talks", runtime: "headless", restart: { when: "never" } } });
  await send("hello");
  await eventually(() => {
    expect(count("delivery_seen")).toBe(1);
  });

  await send("ask me");
  await eventually(async () => {
    expect(await status()).toBe("blocked");
  });
  await call("agent.answer", { name: "ada", verdict: "approve" });
  await eventually(async () => {
    expect(await status()).toBe("idle");
  });

  await broker?.close({ endAgents: false });
  await open();
  await send("after the restart");
  await eventually(() => {
    expect([count("delivery_seen"), count("agent_tokens_used"), count("agent_exited")]).toEqual([3, 3, 0]);
  });
  const { data } = (await call("terminal.read", { name: "ada", from: 0 })) as { data: string };
  expect(
    Buffer.from(data, "base64")
      .toString()
      .match(/"said":"taken"/gu),
  ).toHaveLength(3);
  await expect(call("terminal.resize", { name: "ada", cols: 80, rows: 24 })).rejects.toMatchObject({
    code: "not_supported",
  });

  await call("agent.release", { name: "ada" });
  const exited = log.history().find((it) => it.type === "agent_exited");
  expect(exited).toMatchObject({ reason: "released", code: 0, lastLines: ["talking program: ready to talk"] });
  await broker?.close({ endAgents: false });
  broker = undefined;
  expect(readFileSync(path.join(folder, "logs/ada/1/stderr/0.log"), "utf8")).toBe("talking program: ready to talk\n");
});
