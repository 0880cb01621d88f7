/** What every `PtyHost` must do for programs on pipes; part of `conformance`. */
import { codeOf } from "@agent-relay/kernel";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FLOOD_LINE, flooded } from "./flood.ts";
import { parrotSpec, pipedParrotSpec } from "./parrot.ts";
import { transcribe } from "./transcript.ts";
import type { ConformanceSubject } from "./conformance.ts";
import type { Transcript } from "./transcript.ts";
import type { PtyHost, TerminalInfo, WriteStep } from "@agent-relay/kernel";

const MEBIBYTE = 1024 * 1024;

const line = (command: string): readonly WriteStep[] => [{ type: "data", data: `${command}\n` }];
const code = (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => "no fault",
    (error: unknown) => codeOf(error),
  );
const textOf = ({ data }: { readonly data: Uint8Array }): string => Buffer.from(data).toString();

export function pipesConformance(name: string, makeSubject: () => Promise<ConformanceSubject>): void {
  describe(`a pty host, with programs on pipes: ${name}`, () => {
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
      const info = await host.spawn(pipedParrotSpec(id));
      await seen.untilText(id, "ready");
      return info;
    };

    /** A program that has printed nine million bytes which nobody takes, as far as it got. */
    const stuck = async (): Promise<void> => {
      await ready();
      seen.stop();
      await host.write("a", "w1", line("flood 9000000"));
      for (let looks = 0; (await host.list())[0]?.nextOffset !== 6 * MEBIBYTE + "ready\n".length; looks += 1) {
        if (looks > 10_000) throw new Error(`It stands at ${JSON.stringify(await host.list())}.`);
      }
    };
    const FLOODED = `ready\n${flooded(9_000_000, FLOOD_LINE)}`;

    test("a program on pipes is told about as such", async () => {
      const info = await ready();
      expect(info).toMatchObject({ id: "a", stdio: "pipes", firstOffset: 0, ending: undefined });
      expect(await host.list()).toMatchObject([{ id: "a", stdio: "pipes", pid: info.pid }]);
      expect((await host.spawn(parrotSpec("b"))).stdio).toBe("terminal");
    });

    test("P6: output is what the program wrote, to the byte", async () => {
      await ready();
      await host.write("a", "w1", line('say {"grüße":"€ 😀"}'));
      await seen.untilText("a", "}\n");
      expect(seen.text("a")).toBe('ready\n{"grüße":"€ 😀"}\n');
      expect(textOf(await host.read("a", 6))).toBe('{"grüße":"€ 😀"}\n');
    });

    test("P7: errors come apart from output, and can be read again", async () => {
      await ready();
      await host.write("a", "w1", line("complain one"));
      await host.write("a", "w2", line("say two"));
      await seen.until(() => seen.errors("a") === "one\n" && seen.text("a") === "ready\ntwo\n");
      expect(seen.events.filter((it) => it.type === "stderr")).toMatchObject([{ id: "a", offset: 0 }]);
      expect(await host.readErrors("a")).toMatchObject({ offset: 0 });
      expect(textOf(await host.readErrors("a"))).toBe("one\n");
      expect(textOf(await host.read("a", 0))).toBe("ready\ntwo\n");
    });

    test("P7: of the errors the newest 64 KiB are kept, also after the end", async () => {
      await ready();
      await host.write("a", "w1", line(`complain ${"x".repeat(99_995)}done`));
      await host.write("a", "w2", line("exit 3"));
      await seen.untilExit("a");
      const { offset, data } = await host.readErrors("a");
      expect([offset, data.length]).toEqual([100_000 - 64 * 1024, 64 * 1024]);
      expect(textOf({ data }).endsWith("xdone\n")).toBe(true);
      expect(seen.errors("a").endsWith("xdone\n")).toBe(true);
    });

    test("a new client hears only the errors that are new", async () => {
      await ready();
      await host.write("a", "w1", line("complain old"));
      await seen.until(() => seen.errors("a") === "old\n");
      const next = await subject.reconnect();
      const heard = transcribe(next);
      await next.write("a", "w2", line("complain new"));
      await heard.until(() => heard.errors("a").length > 0);
      expect(heard.events).toMatchObject([{ type: "stderr", id: "a", offset: 4 }]);
      expect(textOf(await next.readErrors("a"))).toBe("old\nnew\n");
    });

    test("a terminal has no errors apart, and nobody else's are anyone's", async () => {
      await host.spawn(parrotSpec("a"));
      await seen.untilText("a", "ready");
      await ready("b");
      expect((await host.readErrors("a")).data).toHaveLength(0);
      expect((await host.readErrors("b")).data).toHaveLength(0);
      expect(await code(host.readErrors("c"))).toBe("unknown_terminal");
    });

    test("the end of its input ends a program that lives on it, after what was written before", async () => {
      await ready();
      await host.write("a", "w1", line("say one"));
      expect(await host.write("a", "w2", [...line("say two"), { type: "end" }])).toBe("drained");
      expect(await seen.untilExit("a")).toMatchObject({ code: 0, signal: undefined });
      expect(seen.text("a")).toBe("ready\none\ntwo\n");
      expect(await host.writeState("a", "w2")).toBe("drained");
    });

    test("nothing can be written after the end of the input, and an end is the last step of its write", async () => {
      await ready();
      expect(await code(host.write("a", "w1", [{ type: "end" }, ...line("say one")]))).toBe("invalid_request");
      expect(await host.writeState("a", "w1")).toBe("unknown");
      const end: readonly WriteStep[] = [{ type: "pause", ms: 100 }, { type: "end" }];
      const ended = host.write("a", "w2", end);
      expect(await code(host.write("a", "w3", line("say two")))).toBe("input_closed");
      expect(await host.write("a", "w2", end)).toBe("drained");
      expect(await ended).toBe("drained");
      await seen.untilExit("a");
      expect(seen.text("a")).toBe("ready\n");
    });

    test("a terminal's input has no end", async () => {
      await host.spawn(parrotSpec("a"));
      await seen.untilText("a", "ready");
      const steps: readonly WriteStep[] = [{ type: "data", data: "say one\r" }, { type: "end" }];
      expect(await code(host.write("a", "w1", steps))).toBe("invalid_request");
      await host.write("a", "w2", [{ type: "data", data: "say two\r" }]);
      await seen.untilText("a", "two\r\n");
      expect(seen.text("a")).toBe("ready\r\ntwo\r\n");
    });

    test("pipes have no size", async () => {
      await ready();
      expect(await code(host.resize("a", 100, 30))).toBe("invalid_request");
    });

    test("P3: a write goes on to its end when the one who asked for it is gone", async () => {
      await ready();
      const steps: readonly WriteStep[] = [
        { type: "data", data: "say to the" },
        { type: "pause", ms: 50 },
        { type: "data", data: " end\n" },
        { type: "end" },
      ];
      const asked = code(host.write("a", "w1", steps));
      const next = await subject.reconnect();
      const later = transcribe(next);
      expect(await asked).toBe("pty_host_lost");
      expect(await next.write("a", "w1", steps)).toBe("drained");
      await later.untilExit("a");
      expect(textOf(await next.read("a", 0))).toBe("ready\nto the end\n");
    });

    test("P6: a program that nobody listens to waits when it is six mebibytes ahead, and loses nothing", async () => {
      await stuck();
      await host.close();
      const next = await subject.reconnect();
      const later = transcribe(next);
      const { offset, data } = await next.read("a", 0);
      expect(offset).toBe(0);
      const parts = [Buffer.from(data)];
      let end = data.length;
      await later.until(() => {
        for (const event of later.events) {
          if (event.type !== "output" || event.offset + event.data.length <= end) continue;
          expect(event.offset, "a gap").toBeLessThanOrEqual(end);
          parts.push(Buffer.from(event.data.subarray(end - event.offset)));
          end = event.offset + event.data.length;
        }
        return end >= FLOODED.length;
      });
      expect(Buffer.concat(parts).toString() === FLOODED).toBe(true);
      expect((await next.list())[0]?.nextOffset).toBe(FLOODED.length);
    });

    test("P6: a program that waits so goes on to its end once someone reads", async () => {
      await stuck();
      const next = await subject.reconnect();
      const asked = next.write("a", "w2", line("exit 4"));
      expect((await next.list())[0]?.ending).toBeUndefined();
      let text = "";
      for (let looks = 0; (await next.list())[0]?.ending === undefined; looks += 1) {
        if (looks > 10_000) throw new Error("It did not go on.");
        text += textOf(await next.read("a", text.length));
      }
      text += textOf(await next.read("a", text.length));
      expect(await asked).toBe("drained");
      expect(text === FLOODED).toBe(true);
      expect(await next.list()).toMatchObject([{ ending: { code: 4 } }]);
    });

    test("P6: all of the output comes before the ending", async () => {
      await ready();
      await host.write("a", "w1", [...line("flood 3000000"), ...line("exit 5")]);
      expect(await seen.untilExit("a")).toMatchObject({ code: 5 });
      expect(seen.text("a") === `ready\n${flooded(3_000_000, FLOOD_LINE)}`).toBe(true);
    });

    test("P2: the newest eight mebibytes of what someone got can be read again", async () => {
      await ready();
      await host.write("a", "w1", line("flood 9000000"));
      await seen.until(() => seen.text("a").length === FLOODED.length);
      const { offset, data } = await host.read("a", 0);
      expect([offset, data.length]).toEqual([FLOODED.length - 8 * MEBIBYTE, 8 * MEBIBYTE]);
      expect(textOf({ data }) === FLOODED.slice(offset)).toBe(true);
    });

    test("the ladder closes the input first, when nobody has something more polite to say", async () => {
      await ready();
      await host.terminate("a", { politeMs: 30_000, termMs: 30_000 });
      expect(await host.list()).toMatchObject([{ ending: { code: 0, signal: undefined } }]);
    });

    test("the ladder says something polite instead, if there is something", async () => {
      await ready();
      await host.terminate("a", { polite: [{ type: "data", data: "exit 6\n" }], politeMs: 30_000, termMs: 30_000 });
      expect(await host.list()).toMatchObject([{ ending: { code: 6 } }]);
    });

    test("without time for politeness the ladder begins with SIGTERM, and ends with SIGKILL", async () => {
      await ready("a");
      await ready("b");
      await host.write("b", "w1", line("deaf"));
      await seen.untilText("b", "deaf");
      await host.terminate("a", { politeMs: 0, termMs: 30_000 });
      await host.terminate("b", { politeMs: 0, termMs: 100 });
      expect(await host.list()).toMatchObject([{ ending: { signal: "SIGTERM" } }, { ending: { signal: "SIGKILL" } }]);
    });

    test("shutdown ends programs on pipes too, even one that waits for a client", async () => {
      await stuck();
      await host.shutdown();
      expect(await code(host.list())).toBe("pty_host_lost");
    });
  });
}
