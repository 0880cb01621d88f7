/** How the program is told where to listen and what to write down. */

export interface ModelLaunch {
  readonly port: number;
  /** A file to which each request is appended as a line of JSON. */
  readonly logFile: string | undefined;
}

const usage = "usage: scripted-model [--port <n>] [--log <file>]";

/** Throws an error whose message says what is wrong. */
export function readModelLaunch(argv: readonly string[]): ModelLaunch {
  let port = 0;
  let logFile: string | undefined;
  for (let index = 0; index < argv.length; index += 2) {
    const option = argv[index];
    const value = argv[index + 1];
    if (option !== "--port" && option !== "--log") throw new Error(`unknown option ${option}; ${usage}`);
    if (value === undefined) throw new Error(`${option} needs a value; ${usage}`);
    if (option === "--log") logFile = value;
    else port = portOf(value);
  }
  return { port, logFile };
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/u.test(text) ? Number(text) : Infinity;
  if (port > 65_535) throw new Error(`expected a port from 0 to 65535, found ${text}; ${usage}`);
  return port;
}
