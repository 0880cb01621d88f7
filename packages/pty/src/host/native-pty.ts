import * as nodePty from "node-pty";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** A program that was started at the far end of a new terminal. The descriptor is the master side, non-blocking. */
export interface ForkedTerminal {
  readonly fd: number;
  readonly pid: number;
  /** Path of the slave side. */
  readonly pty: string;
}

/**
 * The native half of node-pty, pinned to an exact version because it is not public API.
 *
 * The public half is not usable here: it changes the given environment (`PWD`, `TERM`), hides when the kernel has taken
 * a write, delays exits by up to 200 ms, and loses the end of the output in 6–10 % of short runs, because libuv takes a
 * short read beside a hang-up for the end of the stream (measured with node-pty 1.1.0 on Node 20.20).
 */
interface NativePty {
  readonly fork: (
    file: string,
    args: readonly string[],
    env: readonly string[],
    cwd: string,
    cols: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helperPath: string,
    onExit: (code: number, signal: number) => void,
  ) => ForkedTerminal;
  readonly resize: (fd: number, cols: number, rows: number) => void;
}

/** Leave the user and the group as they are. */
const UNCHANGED = -1;

export function forkTerminal(options: {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly cols: number;
  readonly rows: number;
  readonly onExit: (code: number, signal: number) => void;
}): ForkedTerminal {
  const [file, ...args] = options.argv;
  const env = Object.entries(options.env).map(([name, value]) => `${name}=${value}`);
  return native().fork(
    file,
    args,
    env,
    options.cwd,
    options.cols,
    options.rows,
    UNCHANGED,
    UNCHANGED,
    true,
    spawnHelper(),
    options.onExit,
  );
}

export function resizeTerminal(fd: number, cols: number, rows: number): void {
  native().resize(fd, cols, rows);
}

let loaded: NativePty | undefined;

function native(): NativePty {
  loaded ??= load();
  return loaded;
}

function load(): NativePty {
  const exported: unknown = "native" in nodePty ? nodePty.native : undefined;
  if (!isNativePty(exported)) throw new Error("This version of node-pty does not expose its native half.");
  return exported;
}

function isNativePty(value: unknown): value is NativePty {
  return (
    typeof value === "object" &&
    value !== null &&
    "fork" in value &&
    typeof value.fork === "function" &&
    "resize" in value &&
    typeof value.resize === "function"
  );
}

let helper: string | undefined;

/** The program that node-pty starts children with on macOS; elsewhere the path is passed and not used. */
function spawnHelper(): string {
  if (helper !== undefined) return helper;
  const root = dirname(createRequire(import.meta.url).resolve("node-pty/package.json"));
  const places = ["build/Release", "build/Debug", `prebuilds/${process.platform}-${process.arch}`];
  const paths = places.map((place) => join(root, place, "spawn-helper"));
  helper = paths.find((path) => existsSync(path)) ?? "";
  return helper;
}
