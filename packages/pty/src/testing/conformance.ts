/**
 * What every `PtyHost` must do, as tests. Register it in a test file of vitest:
 *
 *     conformance("the fake host", async () => { … return { host, reconnect, dispose }; });
 */
import { codeOf } from "@agent-relay/kernel";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { pipesConformance } from "./conformance-pipes.ts";
import { MISSING_PROGRAM, parrotSpec } from "./parrot.ts";
import { transcribe } from "./transcript.ts";
import type { Transcript } from "./transcript.ts";
import type { PtyHost, PtyHostEvent, TerminalInfo, WriteStep } from "@agent-relay/kernel";

export interface ConformanceSubject {
  readonly host: PtyHost;
  /** Another client of the same host, for when the first has gone. */
  readonly reconnect: () => Promise<PtyHost>;
  /** Leaves nothing behind. */
  readonly dispose: () => Promise<void>;
}

const enter = (command: string): readonly WriteStep[] => [{ type: "data", data: `${command}\r` }];
const code = (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => "no fault",
    (error: unknown) => codeOf(error),
  );

export function conformance(name: string, makeSubject: () => Promise<ConformanceSubject>): void {
  pipesConformance(name, makeSubject);
  describe(`a pty host: ${name}`, () => {
    let subject: ConformanceSubject;
    let host: PtyHost;
    let seen: Transcript;

    beforeEach(async () => {
      subject = await makeSubject();
      host = subject.host;
      seen = transcribe(host);
    });

    afterEach(async () => {
      await subject.dispose();
    });

    const ready = async (id = "a"): Promise<TerminalInfo> => {
      const info = await host.spawn(parrotSpec(id));
      await seen.untilText(id, "ready");
      return info;
    };

    const outputs = (id: string): readonly Extract<PtyHostEvent, { type: "output" }>[] =>
      seen.events.filter((it) => it.type === "output").filter((it) => it.id === id);

    test("a spawned program is told about as it runs", async () => {
      const info = await ready();
      expect(info).toMatchObject({ id: "a", cols: 80, rows: 24, firstOffset: 0, ending: undefined });
      expect(await host.list()).toMatchObject([{ id: "a", pid: info.pid, startedAt: info.startedAt }]);
    });

    test("a program that is not there is a spawn_failed, and no terminal", async () => {
      expect(await code(host.spawn({ ...parrotSpec("a"), argv: [MISSING_PROGRAM] }))).toBe("spawn_failed");
      expect(await host.list()).toEqual([]);
    });

    test("an id in use is refused, until its ended terminal is forgotten", async () => {
      await ready();
      expect(await code(host.spawn(parrotSpec("a")))).toBe("terminal_exists");
      await host.write("a", "w1", enter("exit 0"));
      await seen.untilExit("a");
      expect(await code(host.spawn(parrotSpec("a")))).toBe("terminal_exists");
      await host.forget("a");
      expect((await host.spawn(parrotSpec("a"))).id).toBe("a");
    });

    test("P2: output comes in order, each piece where the last one ended", async () => {
      await ready();
      for (const n of [1, 2, 3, 4, 5]) await host.write("a", `w${n}`, enter(`say line ${n}`));
      await seen.untilText("a", "line 5");
      expect(seen.text("a")).toBe("ready\r\nline 1\r\nline 2\r\nline 3\r\nline 4\r\nline 5\r\n");
      let next = 0;
      for (const { offset, data } of outputs("a")) {
        expect(offset).toBe(next);
        next += data.length;
      }
    });

    test("P2: output can be read again from any offset that is kept", async () => {
      await ready();
      await host.write("a", "w1", enter("say hello"));
      await seen.untilText("a", "hello");
      const all = await host.read("a", 0);
      expect(Buffer.from(all.data).toString()).toBe("ready\r\nhello\r\n");
      const tail = await host.read("a", 7);
      expect([tail.offset, Buffer.from(tail.data).toString()]).toEqual([7, "hello\r\n"]);
      const ahead = await host.read("a", 1_000_000);
      expect([ahead.offset, ahead.data.length]).toEqual([14, 0]);
    });

    test("P2: what is older than a mebibyte is gone, and the offset says so", async () => {
      await ready();
      await host.write("a", "w1", enter("flood 2000000"));
      await host.write("a", "w2", enter("say over"));
      await seen.untilText("a", "over\r\n");
      const { offset, data } = await host.read("a", 0);
      const [info] = await host.list();
      expect(data.length).toBe(1024 * 1024);
      expect(offset).toBe(info?.firstOffset);
      expect(offset + data.length).toBe(info?.nextOffset);
      expect(Buffer.from(data).toString().endsWith("lazy dog\r\nover\r\n")).toBe(true);
    });

    test("an exit has its code", async () => {
      await ready();
      await host.write("a", "w1", enter("exit 7"));
      expect(await seen.untilExit("a")).toMatchObject({ code: 7, signal: undefined });
    });

    test("an ending by a signal has the signal's name", async () => {
      await ready();
      await host.write("a", "w1", enter("die SIGKILL"));
      expect(await seen.untilExit("a")).toMatchObject({ code: undefined, signal: "SIGKILL" });
    });

    test("no output follows the ending, and the ending comes once", async () => {
      await ready();
      await host.write("a", "w1", enter("say last words"));
      await host.write("a", "w2", enter("exit 0"));
      await seen.untilExit("a");
      await host.list();
      const mine = seen.events.filter((it) => it.type !== "lost" && it.id === "a");
      expect(mine.findIndex((it) => it.type === "exited")).toBe(mine.length - 1);
      expect(seen.text("a")).toContain("last words");
    });

    test("P4: an ending and its output are kept until they are forgotten", async () => {
      await ready();
      await host.write("a", "w1", enter("exit 3"));
      const ending = await seen.untilExit("a");
      expect(await host.list()).toMatchObject([{ id: "a", ending }]);
      expect(Buffer.from((await host.read("a", 0)).data).toString()).toContain("ready");
      await host.forget("a");
      expect(await host.list()).toEqual([]);
      expect(await code(host.read("a", 0))).toBe("unknown_terminal");
    });

    test("a running terminal is not forgotten, an unknown one is forgotten already", async () => {
      await ready();
      expect(await code(host.forget("a"))).toBe("invalid_request");
      await host.forget("nobody");
      expect(await host.list()).toMatchObject([{ id: "a" }]);
    });

    test("nobody can write to a program that has ended, nor to one that never was", async () => {
      await ready();
      await host.write("a", "w1", enter("exit 0"));
      await seen.untilExit("a");
      expect(await code(host.write("a", "w2", enter("say hello")))).toBe("terminal_ended");
      expect(await code(host.resize("a", 100, 30))).toBe("terminal_ended");
      expect(await code(host.write("b", "w3", enter("say hello")))).toBe("unknown_terminal");
    });

    test("P3: the same write twice writes once and answers twice, also after the program's end", async () => {
      await ready();
      const both = [host.write("a", "w1", enter("say once")), host.write("a", "w1", enter("say once"))];
      expect(await Promise.all(both)).toEqual(["drained", "drained"]);
      expect(await host.write("a", "w1", enter("say once"))).toBe("drained");
      await host.write("a", "w2", enter("exit 0"));
      await seen.untilExit("a");
      expect(await host.write("a", "w1", enter("say once"))).toBe("drained");
      expect(seen.text("a")).toBe("ready\r\nonce\r\n");
    });

    test("P3: what became of a write can be asked for", async () => {
      await ready();
      expect(await host.writeState("a", "w1")).toBe("unknown");
      await host.write("a", "w1", enter("say hello"));
      expect(await host.writeState("a", "w1")).toBe("drained");
    });

    test("P3: the newest sixty-four writes are remembered", async () => {
      await ready();
      for (let n = 0; n < 65; n += 1) await host.write("a", `w${n}`, []);
      expect(await host.writeState("a", "w0")).toBe("unknown");
      expect(await host.writeState("a", "w1")).toBe("drained");
      expect(await host.writeState("a", "w64")).toBe("drained");
    });

    test("writes come whole and in order, whatever pauses they have", async () => {
      await ready();
      const slow: readonly WriteStep[] = [
        { type: "data", data: "say a" },
        { type: "pause", ms: 20 },
        { type: "data", data: "b" },
        { type: "pause", ms: 20 },
        { type: "data", data: "c\r" },
      ];
      await Promise.all([host.write("a", "w1", slow), host.write("a", "w2", enter("say d"))]);
      await seen.untilText("a", "d\r\n");
      expect(seen.text("a")).toBe("ready\r\nabc\r\nd\r\n");
    });

    test("P3: a write goes on to its end when the one who asked for it is gone", async () => {
      await ready();
      const steps: readonly WriteStep[] = [
        { type: "data", data: "say to the" },
        { type: "pause", ms: 50 },
        { type: "data", data: " end\r" },
      ];
      const asked = code(host.write("a", "w1", steps));
      const next = await subject.reconnect();
      const later = transcribe(next);
      expect(await asked).toBe("pty_host_lost");
      expect(await next.write("a", "w1", steps)).toBe("drained");
      await next.write("a", "w2", enter("say over"));
      await later.untilText("a", "over");
      expect(Buffer.from((await next.read("a", 0)).data).toString()).toBe("ready\r\nto the end\r\nover\r\n");
    });

    test("a new size reaches the program and the list", async () => {
      await ready();
      await host.resize("a", 132, 43);
      await seen.untilText("a", "resized 132x43");
      await host.write("a", "w1", enter("size"));
      await seen.untilText("a", "size 132x43");
      expect(await host.list()).toMatchObject([{ cols: 132, rows: 43 }]);
    });

    test("a signal reaches the program; after its end it is of no consequence", async () => {
      await ready();
      await host.signal("a", "SIGTERM");
      expect(await seen.untilExit("a")).toMatchObject({ signal: "SIGTERM" });
      await host.signal("a", "SIGTERM");
      expect(await code(host.signal("b", "SIGTERM"))).toBe("unknown_terminal");
    });

    test("the ladder stops at the first rung that holds: a polite request", async () => {
      await ready();
      await host.terminate("a", { polite: [{ type: "data", data: "exit 5\r" }], politeMs: 30_000, termMs: 30_000 });
      expect(await host.list()).toMatchObject([{ ending: { code: 5, signal: undefined } }]);
    });

    test("the ladder goes on to SIGTERM when nobody listens to politeness", async () => {
      await ready();
      await host.terminate("a", { polite: [{ type: "data", data: "please\r" }], politeMs: 3_000, termMs: 30_000 });
      expect(await host.list()).toMatchObject([{ ending: { signal: "SIGTERM" } }]);
      expect(seen.text("a")).toContain("heard please");
    });

    test("the ladder ends with SIGKILL, which nobody survives", async () => {
      await ready();
      await host.write("a", "w1", enter("deaf"));
      await seen.untilText("a", "deaf");
      await host.terminate("a", { politeMs: 0, termMs: 3_000 });
      expect(await host.list()).toMatchObject([{ ending: { signal: "SIGKILL" } }]);
      expect(seen.text("a")).toContain("ignored SIGTERM");
      await host.terminate("a", { politeMs: 0, termMs: 100 });
    });

    test("usage counts what runs, and nothing that has ended", async () => {
      await ready();
      const usage = await host.usage("a");
      expect(usage?.processes).toBe(1);
      expect(usage?.memoryBytes).toBeGreaterThan(100_000);
      await host.terminate("a", { politeMs: 0, termMs: 30_000 });
      expect(await host.usage("a")).toBeUndefined();
    });

    test("terminals live on when a client lets go, and the next client finds them", async () => {
      const { pid } = await ready();
      await host.close();
      await host.close();
      expect(await code(host.list())).toBe("pty_host_lost");
      const next = await subject.reconnect();
      expect(await next.list()).toMatchObject([{ id: "a", pid, ending: undefined }]);
      expect(seen.lost()).toBeUndefined();
    });

    test("a new client hears only what is new", async () => {
      await ready("a");
      await ready("b");
      await host.write("b", "w1", enter("exit 0"));
      await seen.untilExit("b");
      const next = await subject.reconnect();
      const heard = transcribe(next);
      await next.write("a", "w1", enter("say news"));
      await heard.untilText("a", "news");
      expect(heard.events).toMatchObject([{ type: "output", id: "a", offset: 7 }]);
    });

    test("a client that another one replaces is told, and its calls fail", async () => {
      const first = await subject.reconnect();
      const told = transcribe(first);
      const second = await subject.reconnect();
      await told.until(() => told.lost() !== undefined);
      expect(await code(first.list())).toBe("pty_host_lost");
      expect(await second.list()).toEqual([]);
    });

    test("a listener that has stopped hears nothing more", async () => {
      await ready();
      const early = transcribe(host);
      early.stop();
      await host.write("a", "w1", enter("say hello"));
      await seen.untilText("a", "hello");
      expect(early.events).toEqual([]);
    });

    test("shutdown ends every terminal, and then the host", async () => {
      await ready("a");
      await ready("b");
      await host.shutdown();
      await seen.until(() => seen.lost() !== undefined);
      expect([seen.ending("a")?.signal, seen.ending("b")?.signal]).toEqual(["SIGTERM", "SIGTERM"]);
      expect(await code(host.list())).toBe("pty_host_lost");
    });
  });
}
