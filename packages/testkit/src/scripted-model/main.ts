#!/usr/bin/env node
import { appendFileSync } from "node:fs";
import { messageOf } from "@agent-relay/kernel";
import { readModelLaunch } from "./launch.ts";
import type { RecordedRequest } from "./record.ts";
import { startScriptedModel } from "./server.ts";

const fail = (error: unknown): void => {
  process.stderr.write(`scripted-model: ${messageOf(error)}\n`);
  process.exitCode = 2;
};

try {
  const { port, logFile } = readModelLaunch(process.argv.slice(2));
  const log = (request: RecordedRequest): void => {
    if (logFile !== undefined) appendFileSync(logFile, `${JSON.stringify(request)}\n`);
  };
  startScriptedModel({ port, log }).then((model) => {
    const stop = (): void => {
      void model.close();
    };
    process.once("SIGINT", stop).once("SIGTERM", stop);
    // Whoever started it reads the address from its first line.
    process.stdout.write(`${model.url}\n`);
  }, fail);
} catch (error) {
  fail(error);
}
