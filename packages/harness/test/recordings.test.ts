/** Every recording of a real program, observed again: its timeline is the one that was seen and reviewed. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { isHarnessId } from "../src/table.ts";
import { parseRecording, replay, timeline, type RecordedInput, type Recording } from "../src/testing/recording.ts";

/** What the live suite drives has recordings. */
const recordedPrograms = ["claude-code", "codex", "gemini-cli"] as const;
/** Watched whole and in pieces, a byte costs about a microsecond, so all of them together take a few seconds. */
const bytesMax = 4_000_000;
const recordAnew = "`npm run test:live -- --record` writes them";

const root = fileURLToPath(new URL("../recordings", import.meta.url));
const stories = foldersOf(root).flatMap((program) =>
  foldersOf(path.join(root, program)).flatMap((version) =>
    foldersOf(path.join(root, program, version)).map((story) => ({ program, version, story })),
  ),
);

type Story = (typeof stories)[number];
const fileOf = ({ program, version, story }: Story, file: string): string =>
  path.join(root, program, version, story, file);

describe("recordings of real programs", () => {
  it.each(stories)("$program $version: $story", async (story) => {
    const recording = parseRecording(readFileSync(fileOf(story, "input.jsonl"), "utf8"));
    expect(recording.header).toMatchObject({ harness: story.program, version: story.version });
    const seen = JSON.stringify(timeline(replay(recording)), null, 2);
    // `vitest -u` writes it anew; whoever does so reads what changed.
    await expect(`${seen}\n`).toMatchFileSnapshot(fileOf(story, "expected.json"));
  });

  it.each(stories)("$program $version: $story, however its output is cut", (story) => {
    const recording = parseRecording(readFileSync(fileOf(story, "input.jsonl"), "utf8"));
    expect(statesOf(cut(recording, 7))).toEqual(statesOf(recording));
  });

  it("stand under a harness of the table", () => {
    expect(stories.map(({ program }) => program).filter((program) => !isHarnessId(program))).toEqual([]);
  });

  // Git keeps no empty folder, so an empty one is none.
  (foldersOf(root).length > 0 ? theWholeCollection : nothingRecorded)();
});

function nothingRecorded(): void {
  it.todo(`of ${recordedPrograms.join(", ")}: nothing is recorded; ${recordAnew}`);
}

function theWholeCollection(): void {
  it.each(recordedPrograms)("there are some of %s", (wanted) => {
    const found = stories.filter(({ program }) => program === wanted);
    expect(found, `expected stories in ${path.join(root, wanted, "<version>")}; ${recordAnew}`).not.toEqual([]);
  });

  it(`all together are small: at most ${bytesMax} bytes`, () => {
    const sizes = stories.map((story) => ({ ...story, bytes: statSync(fileOf(story, "input.jsonl")).size }));
    const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
    const largest = sizes.toSorted((one, other) => other.bytes - one.bytes).slice(0, 3);
    expect(total, `record shorter stories, or fewer; the largest are ${JSON.stringify(largest)}`).toBeLessThanOrEqual(
      bytesMax,
    );
  });
}

/** States in order, each once: where bytes are cut may shift what is merely said again. */
function statesOf(recording: Recording): readonly string[] {
  const states = replay(recording)
    .filter(({ type }) => ["ready", "working", "turn_ended", "blocked", "unblocked", "context"].includes(type))
    .map((observation) => (observation.type === "context" ? `context ${observation.pctLeft}` : observation.type));
  return states.filter((state, index) => state !== states[index - 1]);
}

/** The same bytes at the same times, in pieces of `size`. */
function cut(recording: Recording, size: number): Recording {
  const pieces = (input: RecordedInput): readonly RecordedInput[] => {
    if (input.type !== "output") return [input];
    const bytes = input.base64 === undefined ? Buffer.from(input.text ?? "") : Buffer.from(input.base64, "base64");
    const found: RecordedInput[] = [];
    for (let at = 0; at < bytes.length; at += size)
      found.push({ type: "output", at: input.at, base64: bytes.subarray(at, at + size).toString("base64") });
    return found;
  };
  return { ...recording, inputs: recording.inputs.flatMap(pieces) };
}

function foldersOf(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}
