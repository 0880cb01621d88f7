/** What can be wrong with one project: its directory, its sockets, its broker, its disk. */
import { accessSync, constants, statSync, type Stats } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { Locations } from "@agent-relay/sdk";
import { askForBroker, locationsOf, withClient, type BrokerView } from "../broker-connection.ts";
import type { Context } from "../context.ts";
import { failureOf } from "../failure.ts";
import { programVersion } from "../program.ts";
import { runPrefix } from "../run-census.ts";
import { runnerLog } from "../runner-start.ts";
import { bytes } from "../rendering/moments.ts";
import { brokerIsSilent, pidOfSilentBroker } from "../silent-broker.ts";
import { lastStartFailure } from "../start-failure.ts";
import { ok, problem, warning, type Check } from "./check.ts";

/** Less than this and the event log may not be able to grow through one day of work. */
const freeBytesMin = 200 * 1_048_576;
const freeBytesGood = 1_024 * 1_048_576;

/** A runner that has died is replaced by then. */
const runWaitsMs = 30_000;
const runsLookedAt = 500;

export async function checkProject(context: Context): Promise<Check[]> {
  let locations: Locations;
  try {
    locations = locationsOf(context);
  } catch (thrown) {
    const { envelope } = failureOf(thrown);
    return [
      problem(
        "socket",
        "socket",
        envelope.message,
        envelope.hint ?? "set XDG_RUNTIME_DIR to a short, private directory",
      ),
    ];
  }
  const broker = await checkBroker(context, locations);
  return [
    checkStateDir(locations),
    checkEventsFile(locations),
    ok("socket", "socket", `${locations.brokerSocket}, ${Buffer.byteLength(locations.brokerSocket)} bytes long`),
    ...broker,
    await checkRuns(context, locations),
    await checkDisk(locations),
  ].filter((check) => check !== undefined);
}

function checkStateDir({ stateDir, project }: Locations): Check {
  const name = "state directory";
  const stat = statOf(stateDir);
  if (stat === undefined) {
    if (canWrite(nearestExisting(stateDir)))
      return ok("state-dir", name, `${stateDir}, made by the first agent-relay up`);
    return problem(
      "state-dir",
      name,
      `${stateDir} cannot be made`,
      `make ${project} writable, or set AGENT_RELAY_STATE_DIR`,
    );
  }
  if (!stat.isDirectory()) return problem("state-dir", name, `${stateDir} is not a directory`, `move ${stateDir} away`);
  if (!canWrite(stateDir))
    return problem(
      "state-dir",
      name,
      `${stateDir} cannot be written`,
      `chown ${process.getuid?.() ?? "<you>"} ${stateDir} && chmod 700 ${stateDir}`,
    );
  const mode = stat.mode & 0o777;
  if ((mode & 0o077) !== 0)
    return problem(
      "state-dir",
      name,
      `${stateDir} can be read by others (mode ${mode.toString(8)})`,
      `chmod 700 ${stateDir}`,
    );
  return ok("state-dir", name, `${stateDir}, private and writable`);
}

function checkEventsFile({ eventsFile }: Locations): Check | undefined {
  const stat = statOf(eventsFile);
  if (stat === undefined) return undefined;
  const mode = stat.mode & 0o777;
  if ((mode & 0o077) !== 0)
    return problem(
      "event-log",
      "event log",
      `${eventsFile} can be read by others (mode ${mode.toString(8)})`,
      `chmod 600 ${eventsFile}`,
    );
  return ok("event-log", "event log", `${bytes(stat.size)} at ${eventsFile}`);
}

async function checkBroker(context: Context, locations: Locations): Promise<Check[]> {
  let broker: BrokerView | undefined;
  try {
    broker = await askForBroker(context);
  } catch (thrown) {
    const { envelope } = failureOf(thrown);
    return [
      problem(
        "broker",
        "broker",
        `does not answer as it should: ${envelope.message}`,
        envelope.hint ?? "agent-relay down --force, then agent-relay up",
      ),
    ];
  }
  if (broker === undefined) {
    const silentPid = await pidOfSilentBroker(locations);
    if (silentPid !== undefined) {
      const { message, hint } = brokerIsSilent(silentPid);
      return [problem("broker", "broker", message, hint ?? "agent-relay down --force")];
    }
    const failure = lastStartFailure(locations);
    if (failure !== undefined) {
      const found = `none runs here; the last start failed: ${failure.message}`;
      return [problem("broker", "broker", found, failure.hint ?? "agent-relay up tries again")];
    }
    const left = [locations.brokerSocket, locations.ptySocket].filter((file) => statOf(file) !== undefined);
    const none = ok("broker", "broker", "none runs here; agent-relay up starts one");
    // The terminals outlive a broker on purpose, so their socket alone is no leftover.
    if (!left.includes(locations.brokerSocket)) return [none];
    return [
      none,
      warning(
        "stale-files",
        "left-over files",
        `${left.join(", ")} of a broker that ended abruptly`,
        "agent-relay up replaces them and takes over what still runs",
      ),
    ];
  }
  const found = `runs, pid ${broker.pid}, version ${broker.version}`;
  if (broker.version !== programVersion) {
    return [
      warning(
        "broker",
        "broker",
        `${found}; this is version ${programVersion}`,
        "agent-relay down --keep-agents && agent-relay up",
      ),
    ];
  }
  // Without agents there need not be one: the first agent starts it.
  if (!broker.ptyHost.connected && broker.agents.live > 0)
    return [warning("broker", "broker", `${found}; it has no pty host`, "agent-relay down && agent-relay up")];
  return [ok("broker", "broker", found)];
}

/** Runs that go on and that nobody executes: the broker starts a runner for them, unless runners end at once. */
async function checkRuns(context: Context, locations: Locations): Promise<Check | undefined> {
  try {
    const { streams } = await withClient(context, { once: true }, (client) =>
      client.call("stream.list", { prefix: runPrefix, limit: runsLookedAt }, { signal: context.signal }),
    );
    const goingOn = streams.filter(({ summary }) => summary?.["status"] === "running" && summary["host"] !== "script");
    if (goingOn.length === 0) return undefined;
    const waits = goingOn.filter(({ lease, updatedAt }) => lease === null && context.now() - updatedAt > runWaitsMs);
    const found = `${goingOn.length} go on`;
    if (waits.length === 0) return ok("runs", "runs", found);
    return warning(
      "runs",
      "runs",
      `${found}, and nobody executes ${waits.length} of them`,
      `the end of ${runnerLog(locations)} says why; agent-relay runs resume ${waits[0]?.stream.slice(runPrefix.length) ?? ""} tries again`,
    );
  } catch {
    return undefined; // Without a broker nobody can say, and that it does not answer is told already.
  }
}

async function checkDisk({ stateDir }: Locations): Promise<Check> {
  const where = nearestExisting(stateDir);
  const { bavail, bsize } = await statfs(where);
  const free = bavail * bsize;
  const found = `${bytes(free)} free at ${where}`;
  if (free < freeBytesMin)
    return problem("disk", "disk", found, "free some space: the broker refuses everything that it cannot write");
  if (free < freeBytesGood) return warning("disk", "disk", found, "free some space before it runs out");
  return ok("disk", "disk", found);
}

function nearestExisting(path: string): string {
  let at = path;
  while (statOf(at) === undefined && at !== dirname(at)) at = dirname(at);
  return at;
}

/** Nothing, too, for what cannot be looked at: that its directory is at fault is a finding of its own. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false; // Whatever the reason, it cannot be written.
  }
}
