/** Real output, damaged in every way: nothing crashes, nothing grows, and damage is no evidence. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { harnessList } from "../table.ts";
import type { Observation } from "./observation.ts";
import { createObserver } from "./observer.ts";
import { readProgramStatus } from "./program-status.ts";

const folder = fileURLToPath(new URL("../../fixtures", import.meta.url));
const corpus = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ansi"))
  .map((name) => readFileSync(`${folder}/${name}`));

/** Where two of these meet, sequences are cut, doubled and run into one another. */
const pieces = [
  "\u001b]7501;state=working:app=claude-code\u0007",
  "\u001b]7501;state=idle",
  "\u001b]7501;;;===:::\u0007",
  "\u001b]7501;state=done:msg=////:msg=AA==\u001b\\",
  `\u001b]7501;state=blocked:msg=${"A".repeat(9_000)}\u0007`,
  "\u001b]0;",
  "\u001b]2;✳ \u0007",
  "\u001b[?2004",
  "h",
  "\u009d7501;state=working\u009c",
  "\u001bP\u001b]7501;state=working\u0007\u001b\\",
  "\u0018",
  "\u001bc",
].map((text) => Buffer.from(text));

const damaged = fc
  .record({
    source: fc.nat(),
    from: fc.nat(),
    length: fc.integer({ min: 0, max: 6_000 }),
    flips: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 12 }),
    spliced: fc.array(fc.tuple(fc.nat(), fc.constantFrom(...pieces)), { maxLength: 6 }),
  })
  .map(({ source, from, length, flips, spliced }) => {
    const whole = corpus[source % corpus.length] ?? Buffer.alloc(0);
    const start = from % (whole.length + 1);
    let bytes: Buffer = Buffer.from(whole.subarray(start, start + length));
    for (const [at, mask] of flips) {
      const place = at % Math.max(1, bytes.length);
      bytes[place] = (bytes[place] ?? 0) ^ mask;
    }
    for (const [at, piece] of spliced) {
      const place = at % (bytes.length + 1);
      bytes = Buffer.concat([bytes.subarray(0, place), piece, bytes.subarray(place)]);
    }
    return bytes;
  });

/** Lays the bytes out in chunks of `size`, a tenth of a second apart. */
function observe(harness: (typeof harnessList)[number], bytes: Buffer, size: number) {
  const observer = createObserver(harness);
  const observations: Observation[] = [];
  let state = observer.initial(0);
  let at = 0;
  for (let start = 0; start < bytes.length; start += size) {
    const step = observer.step(state, {
      type: "output",
      data: new Uint8Array(bytes.subarray(start, start + size)),
      at,
    });
    state = step.state;
    observations.push(...step.observations);
    at += 100;
  }
  return { state, observations };
}

describe("damaged output of real programs", () => {
  it("there is a corpus", () => {
    expect(corpus.length).toBeGreaterThanOrEqual(8);
  });

  it("O6: no observer of any program fails or keeps much of it", () => {
    fc.assert(
      fc.property(damaged, fc.nat(), fc.integer({ min: 1, max: 4_096 }), (bytes, which, size) => {
        const harness = harnessList[which % harnessList.length] ?? harnessList[0]!;
        const { state } = observe(harness, bytes, size);
        expect(JSON.stringify(state).length).toBeLessThan(40_000);
      }),
      { numRuns: 300 },
    );
  });

  it("O2: without a title, a status, a paste mode or a known dialog in it, nothing is ready, working or blocked", () => {
    const codex = harnessList.find(({ id }) => id === "codex")!;
    fc.assert(
      fc.property(damaged, fc.integer({ min: 1, max: 4_096 }), (bytes, size) => {
        const mute = Buffer.from(bytes.toString("latin1").replaceAll("\u001b]", "\u001b["), "latin1");
        const { state, observations } = observe({ ...codex, dialogs: [] }, mute, size);
        expect(state.phase).toBe("starting");
        expect(
          observations.map(({ type }) => type).filter((type) => !["activity", "bracketed_paste"].includes(type)),
        ).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("Q1: a status report is one of the known states, or none, and its message is one printable line", () => {
    const field = fc.oneof(
      fc.constantFrom(
        "state=working",
        "state=idle",
        "state=",
        "state=nonsense",
        "kind=permission",
        "kind=__proto__",
        "msg=",
        "id=x",
        "=",
        "",
      ),
      fc.string({ maxLength: 40 }),
      fc.base64String({ maxLength: 40 }).map((text) => `msg=${text}`),
    );
    fc.assert(
      fc.property(fc.array(field, { maxLength: 8 }), (fields) => {
        const report = readProgramStatus(fields.join(":"));
        if (report?.type !== "report") return;
        expect(["idle", "working", "blocked", "done", "error", "clear"]).toContain(report.state);
        // eslint-disable-next-line no-control-regex
        expect(report.message ?? "").not.toMatch(/[\u0000-\u001f\u007f-\u009f]/u);
        expect((report.message ?? "").length).toBeLessThanOrEqual(500);
      }),
      { numRuns: 500 },
    );
  });
});
