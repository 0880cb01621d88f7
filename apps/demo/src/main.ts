/**
 * The main job, watched from end to end: a team in real terminals exchanges durable messages, one of them is killed and
 * comes back, the broker is killed and comes back, and at the end every message is accounted for.
 */
import process from "node:process";
import { connect, type Relay } from "@agent-relay/sdk";
import { installPinned, ownPrograms, pinnedPrograms, type Agency } from "./agency.ts";
import { help, missingProgram, problemText, readCommandLine, type Wanted } from "./command-line.mjs";
import { play } from "./play.ts";
import { makeSite, openStage } from "./stage.ts";
import { castTeam } from "./team.ts";

const startedAt = Date.now();
const interrupted = new AbortController();

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function say(text: string): void {
  print(`${((Date.now() - startedAt) / 1_000).toFixed(1).padStart(5)}s  ${text}`);
}

async function main(): Promise<number> {
  const wanted = readCommandLine(process.argv.slice(2));
  if (wanted.kind === "help") {
    process.stdout.write(help);
    return 0;
  }
  const problem = wanted.kind === "wrong" ? wanted : missingProgram(wanted, process.env);
  if (problem !== undefined) {
    process.stderr.write(problemText(problem));
    return 2;
  }
  return wanted.kind === "run" ? run(wanted) : 2;
}

async function run({ programs, isOffline }: Wanted): Promise<number> {
  const titles = programs.map(({ title }) => title).join(" and ");
  if (programs.length > 0 && !isOffline) {
    print(`${titles} will run as you, on your own account: about ten short turns each, in an empty temporary project.`);
    print("They keep the conversations in your home, as they keep all others. Ctrl-C ends everything at any time;");
    print("--offline-model shows the same without an account.\n");
  }
  const failures: string[] = [];
  const stopped: string[] = [];
  const attempt = async <Result>(doing: () => Promise<Result>): Promise<Result | undefined> => {
    try {
      return await Promise.race([doing(), interruption()]);
    } catch (error) {
      if (!interrupted.signal.aborted) stopped.push(wordsOf(error));
      return undefined;
    }
  };
  const installed = await attempt(() =>
    installPinned(isOffline ? programs : [], { environment: process.env, say, signal: interrupted.signal }),
  );
  if (installed === undefined) return conclude(failures, stopped);

  const site = makeSite();
  const agency: Agency = isOffline ? await pinnedPrograms(installed, site, process.env) : ownPrograms(process.env);
  const stage = openStage(site, agency.environment);
  let relay: Relay | undefined;
  await attempt(async () => {
    say(`a temporary project: ${stage.project}`);
    await stage.cli("up");
    relay = await connect({ project: stage.project, surroundings: stage.surroundings });
    const { pid } = await relay.status();
    stage.watch(pid, "broker");
    say(`broker ${pid} is up, its log is on disk`);
    const { describe, arrivalsOf } = agency;
    const team = castTeam({ project: stage.project, programs, describe, arrivalsOf });
    failures.push(...(await play({ stage, relay, team, say, print, isScripted: isOffline })));
  });
  await relay?.close();
  const left = await stage.clear();
  await agency.close();
  say(left.length === 0 ? "nothing is left behind: no process, no file" : `left behind: ${left.join(", ")}`);
  return conclude([...failures, ...left], stopped);
}

function conclude(failures: readonly string[], stopped: readonly string[]): number {
  for (const it of failures) print(`  broken: ${it}`);
  if (interrupted.signal.aborted) return 130;
  for (const it of stopped) print(`\nIt could not go on: ${it}`);
  if (stopped.length > 0) return 1;
  print(failures.length === 0 ? "\nEvery promise was kept." : `\nPromises that were broken: ${failures.length}.`);
  return failures.length === 0 ? 0 : 1;
}

/** What an error says, and what it advises. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const hint = "hint" in error && typeof error.hint === "string" ? `\n  Next: ${error.hint}` : "";
  return `${error.message}${hint}`;
}

/** Never resolves; rejects when somebody wants to stop. */
function interruption(): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(new Error("interrupted"));
    if (interrupted.signal.aborted) stop();
    else interrupted.signal.addEventListener("abort", stop, { once: true });
  });
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (!interrupted.signal.aborted) say("stopping, and clearing everything away");
    interrupted.abort();
  });
}
process.exitCode = await main();
