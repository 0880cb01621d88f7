/**
 * Starting a broker in the background.
 *
 *   S1  It answers when this returns; where one already answers, nothing is started.
 *   S2  A start that fails says why: the broker's own error, or the last lines of its log.
 *   S3  Two starts at once end with one broker, and both succeed.
 */
import { spawn } from "node:child_process";
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { oneLine, RelayError, relayError, stripControls } from "@agent-relay/protocol";
import { ensureRuntimeDir, type Locations } from "@agent-relay/sdk";
import { askForBroker, locationsOf, type BrokerView } from "./broker-connection.ts";
import type { Context } from "./context.ts";
import { envelopeCodeOf } from "./failure.ts";
import { rotateLog } from "./rotate-log.ts";
import { brokerIsSilent, pidOfSilentBroker } from "./silent-broker.ts";
import { brokerLog, startFailureIn } from "./start-failure.ts";

export interface StartedBroker {
  readonly broker: BrokerView;
  readonly started: boolean;
}

const answerTimeoutMs = 30_000;
/** A log is read as a whole when it is opened; even a slow disk and a busy machine do it faster. */
const openedBytesPerMs = 2_000;
const askEveryMs = 30;
/** A broker that was beaten by another start waits this long for the other to answer. */
const rivalTimeoutMs = 10_000;

export async function ensureBroker(
  context: Context,
  options: { readonly tcpPort?: number | undefined; readonly onStart?: () => void } = {},
): Promise<StartedBroker> {
  const running = await askForBroker(context);
  if (running !== undefined) return { broker: running, started: false };
  options.onStart?.();
  const locations = locationsOf(context);
  prepareStateDir(locations);
  return start(context, locations, options.tcpPort);
}

/** Makes the state directory, private to this user and invisible to git. Throws a `RelayError`: `state_unwritable`. */
export function prepareStateDir(locations: Locations): void {
  const { stateDir, logsDir } = locations;
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    if ((statSync(stateDir).mode & 0o077) !== 0) chmodSync(stateDir, 0o700);
    mkdirSync(logsDir, { recursive: true, mode: 0o700 });
    accessSync(stateDir, constants.W_OK | constants.X_OK);
    const ignoreFile = join(stateDir, ".gitignore");
    if (!existsSync(ignoreFile)) writeFileSync(ignoreFile, "*\n", { mode: 0o600 });
    ensureRuntimeDir(locations);
  } catch (cause) {
    if (envelopeCodeOf(cause) !== undefined) throw cause;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    const isFull = code === "ENOSPC";
    throw relayError(
      isFull ? "disk_full" : "state_unwritable",
      `the state directory ${stateDir} cannot be written (${code})`,
      {
        hint: isFull
          ? "free some space and try again"
          : "make the project directory writable, or keep the state elsewhere: AGENT_RELAY_STATE_DIR=<directory>",
        cause,
      },
    );
  }
}

async function start(context: Context, locations: Locations, tcpPort: number | undefined): Promise<StartedBroker> {
  const logFile = brokerLog(locations);
  rotateLog(logFile);
  const fd = openSync(logFile, "a", 0o600);
  const logStart = fstatSync(fd).size;
  const main = fileURLToPath(new URL("./main.js", import.meta.url));
  const args = [
    main,
    "broker-run",
    "--json",
    "--project",
    locations.project,
    ...(tcpPort === undefined ? [] : ["--tcp", String(tcpPort)]),
  ];
  const child = spawn(process.execPath, args, {
    cwd: locations.project,
    // A step may have started it; it is none of that step's processes, and acts for the operator.
    env: { ...context.environment, AGENT_RELAY_TOKEN: undefined, AGENT_RELAY_ATTEMPT: undefined },
    detached: true,
    stdio: ["ignore", fd, fd],
  });
  closeSync(fd);
  let ended: string | undefined;
  child.once("error", (error) => (ended = error.message));
  child.once("exit", (code, signal) => (ended = signal ?? `status ${code}`));
  const progress = context.output.progress("starting the broker");
  try {
    const logBytes = statSync(locations.eventsFile, { throwIfNoEntry: false })?.size ?? 0;
    const timeoutMs = answerTimeoutMs + Math.ceil(logBytes / openedBytesPerMs);
    const deadline = context.now() + timeoutMs;
    for (;;) {
      const broker = await askForBroker(context);
      if (broker !== undefined) {
        child.unref();
        return { broker, started: broker.pid === child.pid };
      }
      if (ended !== undefined) return await explainEnd(context, locations, { logFile, logStart, ended });
      if (context.now() > deadline) {
        child.kill("SIGTERM");
        throw relayError("broker_unreachable", `the broker did not answer within ${Math.round(timeoutMs / 1_000)} s`, {
          hint: `see ${logFile}, or run agent-relay up --foreground`,
        });
      }
      await sleep(askEveryMs, undefined, { signal: context.signal });
    }
  } catch (thrown) {
    if (context.signal.aborted) child.kill("SIGTERM");
    throw thrown;
  } finally {
    progress.done();
  }
}

/** The broker ended before it answered: because another was faster, or with an error that its log tells. */
async function explainEnd(
  context: Context,
  locations: Locations,
  { logFile, logStart, ended }: { readonly logFile: string; readonly logStart: number; readonly ended: string },
): Promise<StartedBroker> {
  const lines = readFileSync(logFile).subarray(logStart).toString("utf8").trimEnd().split("\n");
  const envelope = startFailureIn(lines);
  if (envelope?.code === "broker_running") {
    const deadline = context.now() + rivalTimeoutMs;
    while (context.now() < deadline) {
      const broker = await askForBroker(context);
      if (broker !== undefined) return { broker, started: false };
      await sleep(askEveryMs, undefined, { signal: context.signal });
    }
    const silentPid = await pidOfSilentBroker(locations);
    if (silentPid !== undefined) throw brokerIsSilent(silentPid);
  }
  if (envelope !== undefined) throw new RelayError(envelope);
  // Then its log has no room for its reason either.
  if (statfsSync(locations.logsDir).bavail === 0) {
    throw relayError("disk_full", `the broker cannot start: the disk that holds ${locations.stateDir} is full`);
  }
  const said = oneLine(lines.slice(-3).join(" "), 300);
  throw relayError(
    "broker_unreachable",
    `the broker ended with ${stripControls(ended)} before it answered${said === "" ? "" : `: ${said}`}`,
    {
      hint: `see ${logFile}, or run agent-relay up --foreground`,
    },
  );
}
