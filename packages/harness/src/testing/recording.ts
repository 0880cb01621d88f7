/**
 * Recordings: what one incarnation of a real program wrote and reported, with the time of each, to be observed again.
 *
 *   G1  Replaying takes no time and no program: the observer is asked at the times at which it wanted to be.
 *   G2  Bytes are kept as they were; text stands as text, so that a recording can be read.
 *
 * A recording is a folder `recordings/<program>/<version>/<story>/` with `input.jsonl` (a header, then the inputs) and
 * `expected.json` (what is to be observed).
 */
import type { AgentSignal } from "../hook-report.ts";
import type { Observation, ObserverInput } from "../observe/observation.ts";
import { createObserver } from "../observe/observer.ts";
import { harnessById } from "../table.ts";

export interface RecordingHeader {
  readonly type: "start";
  readonly harness: string;
  readonly version: string;
  readonly tried?: boolean;
  readonly at: number;
}

/** One line of `input.jsonl`. Output that is not valid UTF-8 stands in `base64`. */
export type RecordedInput =
  | { readonly type: "output"; readonly at: number; readonly text?: string; readonly base64?: string }
  | { readonly type: "signal"; readonly at: number; readonly signal: AgentSignal; readonly source?: string }
  | { readonly type: "submitted" | "told"; readonly at: number; readonly text: string }
  | { readonly type: "tick"; readonly at: number };

export interface Recording {
  readonly header: RecordingHeader;
  readonly inputs: readonly RecordedInput[];
}

/** Throws an `Error` that names the line which is not of a recording. */
export function parseRecording(jsonl: string): Recording {
  const lines = jsonl.split("\n").filter((line) => line.trim() !== "");
  const [first, ...rest] = lines.map((line, index) => {
    try {
      return JSON.parse(line) as RecordingHeader | RecordedInput;
    } catch (cause) {
      throw new Error(`expected JSON on line ${index + 1} of the recording`, { cause });
    }
  });
  if (first?.type !== "start") throw new Error("expected the first line of a recording to be of type `start`");
  return { header: first, inputs: rest.filter((input): input is RecordedInput => input.type !== "start") };
}

/** What an observer says of the recording, times counted from its start. */
export function replay(recording: Recording): readonly Observation[] {
  const { header, inputs } = recording;
  const observer = createObserver(harnessById(header.harness), { tried: header.tried ?? true });
  const seen: Observation[] = [];
  let state = observer.initial(header.at);
  let wakeAt: number | undefined;
  const take = (input: ObserverInput): void => {
    const step = observer.step(state, input);
    state = step.state;
    wakeAt = step.wakeAt;
    for (const observation of step.observations) seen.push({ ...observation, at: observation.at - header.at });
  };
  const wakeUntil = (at: number): void => {
    while (wakeAt !== undefined && wakeAt <= at) take({ type: "tick", at: wakeAt });
  };
  for (const recorded of inputs) {
    wakeUntil(recorded.at - 1);
    take(inputOf(recorded));
  }
  return seen;
}

function inputOf(recorded: RecordedInput): ObserverInput {
  if (recorded.type !== "output") return recorded;
  const { at, text, base64 } = recorded;
  return { type: "output", at, data: base64 === undefined ? (text ?? "") : Buffer.from(base64, "base64") };
}

/** What a reader of the timeline wants to know: no bookkeeping of the terminal, long texts cut. */
export function timeline(observations: readonly Observation[]): readonly Record<string, unknown>[] {
  return observations
    .filter(({ type }) => type !== "activity" && type !== "bracketed_paste")
    .map((observation) =>
      "text" in observation ? { ...observation, text: observation.text.slice(0, 120) } : { ...observation },
    );
}
