import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync, chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { findOrchestrator } from "../src/attribution.ts";
import { currentOrchestrator, lookAtProcess, parentProcesses } from "../src/node/parents.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Starts `sh codex` → `node child.mjs`, and gives the pid of the child, whose parent is a known program by its arguments only. */
async function startChild(): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "relay-parents-"));
  const shim = join(directory, "codex");
  // A shell may replace itself by its last command; the `:` keeps it as the parent.
  writeFileSync(shim, `"${process.execPath}" -e 'console.log(process.pid); setInterval(() => {}, 1000)'\n:\n`);
  chmodSync(shim, 0o700);
  const shell = spawn("/bin/sh", [shim], { stdio: ["ignore", "pipe", "inherit"], detached: true });
  cleanups.push(() => {
    if (shell.pid !== undefined) process.kill(-shell.pid, "SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });
  const [data] = (await once(shell.stdout, "data")) as [Buffer];
  return Number(data.toString().trim());
}

describe("parent processes", () => {
  it("N1: a parent is recognised by its arguments, although its name is only that of a shell", async () => {
    const pid = await startChild();
    const parents = [...parentProcesses(pid)];
    expect(parents[0]?.pid).toBe(pid);
    expect(parents[1]?.argv.at(-1)).toMatch(/\/codex$/);
    expect(findOrchestrator({ env: {}, parents: parentProcesses(pid) })).toEqual({
      harness: "codex",
      source: `process ${parents[1]?.pid}`,
    });
  });

  it("the real chain above this process can be read, and ends", () => {
    const parents = [...parentProcesses()];
    expect(parents.length).toBeGreaterThan(0);
    expect(parents.length).toBeLessThanOrEqual(8);
    expect(parents[0]?.pid).toBe(process.ppid);
    expect(new Set(parents.map(({ pid }) => pid)).size).toBe(parents.length);
  });

  it("N2: a cycle and a process that is gone end the walk", () => {
    const facts: Record<number, number> = { 5: 6, 6: 7, 7: 5 };
    const cycle = parentProcesses(5, (pid) => ({ ppid: facts[pid] ?? 0, argv: [String(pid)] }));
    expect([...cycle].map(({ pid }) => pid)).toEqual([5, 6, 7]);
    expect([...parentProcesses(5, () => undefined)]).toEqual([]);
    expect([...parentProcesses(1, (pid) => ({ ppid: pid + 1, argv: [] }))]).toHaveLength(8);
    expect(lookAtProcess(2 ** 22 + 12345)).toBeUndefined();
  });

  it("N3: only as many are looked at as are asked for", () => {
    let looks = 0;
    const look = (pid: number) => {
      looks += 1;
      return { ppid: pid + 1, argv: pid === 3 ? ["claude"] : ["zsh"] };
    };
    expect(findOrchestrator({ env: {}, parents: parentProcesses(1, look) }).harness).toBe("claude-code");
    expect(looks).toBe(3);
    looks = 0;
    findOrchestrator({ env: { RELAYCAST_HARNESS: "codex" }, parents: parentProcesses(1, look) });
    expect(looks).toBe(0);
  });

  it("is found once", () => {
    const first = currentOrchestrator({ RELAYCAST_HARNESS: "droid" });
    expect(currentOrchestrator({ RELAYCAST_HARNESS: "amp" })).toBe(first);
  });

  it.runIf(process.platform === "linux")("a program that renamed itself is still recognised", async () => {
    const directory = mkdtempSync(join(tmpdir(), "relay-title-"));
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
    const script = join(directory, "entry.mjs");
    writeFileSync(script, `process.title = "claude --resume x"; console.log("up"); setInterval(() => {}, 1000);`);
    const child = spawn(process.execPath, [script, "some", "more", "arguments", "to", "make", "room"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    cleanups.push(() => child.kill("SIGKILL"));
    await once(child.stdout, "data");
    const argv = lookAtProcess(child.pid ?? 0)?.argv ?? [];
    expect(argv[0]).toBe("claude");
  });
});
