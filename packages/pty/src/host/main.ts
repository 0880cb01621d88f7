#!/usr/bin/env node
/** The pty host's process: argv in, exit status out. 0 done, 3 another host has the socket, 64 wrong arguments, 70 a bug. */
import { parseArgs } from "node:util";
import { codeOf, messageOf } from "@agent-relay/kernel";
import * as z from "zod/mini";
import { WRITE_TIMEOUT_MS } from "../bounds.ts";
import { runHost } from "./server.ts";
import type { HostOptions } from "./server.ts";

const Ms = z.coerce.number().check(z.int(), z.minimum(0), z.maximum(2_147_483_647));
const Arguments = z.object({
  socket: z.string().check(z.minLength(1)),
  "idle-exit-ms": z._default(Ms, 10_000),
  "ended-exit-ms": z._default(Ms, 24 * 60 * 60 * 1_000),
  "write-timeout-ms": z._default(Ms, WRITE_TIMEOUT_MS),
});

function readArguments(): HostOptions {
  const { values } = parseArgs({
    options: {
      socket: { type: "string" },
      "idle-exit-ms": { type: "string" },
      "ended-exit-ms": { type: "string" },
      "write-timeout-ms": { type: "string" },
    },
  });
  const given = Arguments.parse(values);
  return {
    socketPath: given.socket,
    idleExitMs: given["idle-exit-ms"],
    endedExitMs: given["ended-exit-ms"],
    writeTimeoutMs: given["write-timeout-ms"],
  };
}

function leave(status: number, error: unknown): never {
  process.stderr.write(`agent-relay pty host: ${messageOf(error)}\n`);
  process.exit(status);
}

// Node would pass it on to programs that were not given it.
delete process.env["NODE_V8_COVERAGE"];

let options: HostOptions;
try {
  options = readArguments();
} catch (error) {
  leave(64, error);
}

try {
  const host = await runHost(options);
  // The terminal it was started from closes: that is what it is there to survive.
  process.on("SIGHUP", () => undefined);
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void host.shutdown());
  await host.done;
  process.exit(0);
} catch (error) {
  leave(codeOf(error) === "pty_host_running" ? 3 : 70, error);
}
