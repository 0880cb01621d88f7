/**
 * A lock between processes, so that one of them fetches what several want.
 *
 *   K1  Whoever finds it taken waits, and says so once.
 *   K2  A lock whose owner is dead, or has not touched it for half a minute, is taken over.
 *   K3  Nobody releases a lock that was taken over from it.
 *
 * It saves work and is no more than that: two owners at once would still be correct, because an installation becomes
 * visible by one rename.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "@agent-relay/kernel";

const POLL_MS = 100;
const TOUCH_MS = 5_000;
/** Six touches missed. */
const STALE_MS = 30_000;

export interface LockOptions {
  readonly onWait: () => void;
  readonly signal?: AbortSignal | undefined;
}

interface Owner {
  readonly token: string;
  readonly pid: number;
  readonly host: string;
}

/** Does `work` while holding the lock at `lock`, a folder whose parent exists. */
export async function withLock<T>(lock: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const owner: Owner = { token: randomUUID(), pid: process.pid, host: hostname() };
  await acquire(lock, owner, options);
  // The lock may be gone when it is touched: then somebody took it over, and K3 is about that.
  const touching = setInterval(() => void utimes(lock, new Date(), new Date()).catch(() => undefined), TOUCH_MS);
  touching.unref();
  try {
    return await work();
  } finally {
    clearInterval(touching);
    if ((await readOwner(lock))?.token === owner.token) await rm(lock, { recursive: true, force: true });
  }
}

async function acquire(lock: string, owner: Owner, { onWait, signal }: LockOptions): Promise<void> {
  for (let tries = 0; !(await take(lock, owner)); tries += 1) {
    if (await isAbandoned(lock)) {
      await discard(lock);
      continue;
    }
    if (tries === 0) onWait();
    await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
}

async function take(lock: string, owner: Owner): Promise<boolean> {
  try {
    await mkdir(lock);
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
  await writeFile(ownerFile(lock), JSON.stringify(owner));
  return true;
}

async function isAbandoned(lock: string): Promise<boolean> {
  const touchedAt = await stat(lock).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );
  if (touchedAt === undefined) return false; // released between our two looks; the next try takes it
  if (Date.now() - touchedAt > STALE_MS) return true;
  const owner = await readOwner(lock);
  return owner !== undefined && owner.host === hostname() && !isAlive(owner.pid);
}

/** By a rename, so that of several who find it abandoned one removes it. */
async function discard(lock: string): Promise<void> {
  const aside = `${lock}.${randomUUID()}`;
  try {
    await rename(lock, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return; // another one was faster
    throw error;
  }
  await rm(aside, { recursive: true, force: true });
}

async function readOwner(lock: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(ownerFile(lock), "utf8")) as Owner;
  } catch {
    return undefined; // not written yet, half written, or gone: its age decides
  }
}

function ownerFile(lock: string): string {
  return path.join(lock, "owner.json");
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}
