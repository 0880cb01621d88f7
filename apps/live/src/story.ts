/**
 * Stories: tests that are told of every program that the run is about.
 *
 *   T1  A story that passes leaves a finding, with the signals that proved it.
 *   T2  A program that has no such story says so in the findings, with the reason.
 *   T3  One that fails, an aside included, shows the last lines of every running agent's terminal and the newest events.
 */
import path from "node:path";
import process from "node:process";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { recordFinding, repository } from "./findings.ts";
import { chosenPrograms, partnerOf } from "./programs/all-programs.ts";
import type { LiveProgram } from "./programs/program.ts";
import { keepRecording } from "./recording.ts";
import type { RowId } from "./rows.ts";
import { openLiveStage, type LiveSetting, type LiveStage } from "./stage.ts";

/** Tells it; answers by which signals it was proven. */
export type Plot = (stage: LiveStage) => Promise<string>;

export interface Told {
  readonly program: LiveProgram;
  readonly story: (row: RowId, title: string, plot: Plot) => void;
  /** Of something that the page has no row for. `unless`: why it cannot be told of this program. */
  readonly aside: (title: string, plot: (stage: LiveStage) => Promise<void>, unless?: string) => void;
}

export interface StorySetting extends Omit<LiveSetting, "guest"> {
  /** Has its user have another program, too. */
  readonly withPartner?: boolean;
}

/** Opens a stage for each program, and has the stories told there one after another. */
export function forEachProgram(tell: (told: Told) => void, setting: StorySetting = {}): void {
  for (const program of chosenPrograms(process.env["LIVE_PROGRAMS"])) {
    describe(program.id, () => {
      let stage: LiveStage | undefined;
      const onStage = (): LiveStage => {
        if (stage === undefined) throw new Error("the stage is not open");
        return stage;
      };

      beforeAll(async () => {
        const guest = setting.withPartner === true ? { guest: partnerOf(program) } : {};
        stage = await openLiveStage(program, inject("installed"), { ...setting, ...guest });
      });
      afterEach(async () => {
        expect(await stage?.strike(stage.relay)).toEqual([]);
      });
      afterAll(async () => {
        expect(await stage?.leave()).toEqual([]);
      });

      const find = (row: RowId, found: "proven" | "unknown" | "not possible", by: string): void => {
        recordFinding({ program: program.id, version: inject("installed")[program.id]?.version ?? "", row, found, by });
      };
      const shown = (title: string, plot: (at: LiveStage) => Promise<void>) => async (): Promise<void> => {
        try {
          await plot(onStage());
        } catch (error) {
          process.stderr.write(`\n${program.id}, ${title}\n${await onStage().screens()}\n\n`);
          throw error;
        }
      };
      tell({
        program,
        story: (row, title, plot) => {
          const reason = program.cannot[row];
          if (reason !== undefined) find(row, reason.how, reason.why);
          const told = shown(title, async (at) => {
            find(row, "proven", await plot(at));
            if (process.env["LIVE_RECORD"] !== undefined && recorded.has(row)) keepStory(at, row);
          });
          test(`${row}: ${title}`, ({ skip }) =>
            reason === undefined ? told() : skip(`${reason.how}: ${reason.why}`));
        },
        aside: (title, plot, unless) => {
          const told = shown(title, plot);
          test(title, ({ skip }) => (unless === undefined ? told() : skip(unless)));
        },
      });
    });
  }
}

/** The stories whose observations are worth watching again: each has other states in it. */
const recorded: ReadonlySet<RowId> = new Set([
  "busy",
  "steer",
  "trust",
  "approve",
  "deny",
  "question",
  "error",
  "compaction",
]);

function keepStory(stage: LiveStage, row: RowId): void {
  const agent = stage.newest();
  keepRecording(path.join(repository, "packages", "harness", "recordings"), {
    harness: stage.program.id,
    version: stage.version,
    story: row,
    from: path.join(stage.root, "recordings", `${agent}@1.jsonl`),
  });
}

/** How an event came to be known. */
export function by({ source, fidelity }: { readonly source: string; readonly fidelity?: string }): string {
  return fidelity === undefined || fidelity === "exact" ? source : `${source} (${fidelity})`;
}
