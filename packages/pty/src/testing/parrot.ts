/**
 * The program that the conformance suite talks to, twice: as a real one, and as a script for the fake host.
 *
 * It runs in a terminal or on pipes, says `ready`, then takes commands, each ended by a carriage return or a newline:
 *
 *   say <text>      prints the text            exit <code>     ends
 *   size            prints `size <c>x<r>`      die <signal>    ends by that signal
 *   flood <bytes>   prints so many bytes       deaf            ignores SIGTERM from now on
 *   complain <text> prints it to its standard error
 *   anything else is printed as `heard <line>`; a new size as `resized <c>x<r>`;
 *   on pipes it ends with 0 at the end of its input
 */
import { FLOOD_LINE, flooded } from "./flood.ts";
import type { FakePtyHost } from "./fake-pty-host.ts";
import type { TerminalId, TerminalSpec } from "@agent-relay/kernel";

const PROGRAM = `
const out = (text) => process.stdout.write(text + "\\n");
const size = () => process.stdout.columns + "x" + process.stdout.rows;
const line = ${JSON.stringify(FLOOD_LINE)};
const flooded = ${flooded.toString()};
const obey = (command) => {
  const [word, ...rest] = command.split(" ");
  const text = rest.join(" ");
  if (word === "say") out(text);
  else if (word === "size") out("size " + size());
  else if (word === "flood") process.stdout.write(flooded(Number(text), line));
  else if (word === "deaf") { process.on("SIGTERM", () => out("ignored SIGTERM")); out("deaf"); }
  else if (word === "complain") process.stderr.write(text + "\\n");
  // Node would exit without what it has not yet written.
  else if (word === "exit") process.stdout.write("", () => process.stderr.write("", () => process.exit(Number(text))));
  else if (word === "die") process.kill(process.pid, text);
  else out("heard " + command);
};
if (process.stdin.isTTY) process.stdin.setRawMode(true);
let pending = "";
process.stdin.on("data", (data) => {
  const commands = (pending + data).split(/[\\r\\n]/u);
  pending = commands.pop();
  commands.forEach(obey);
});
process.stdout.on("resize", () => out("resized " + size()));
out("ready");
`;

/** The parrot in a terminal of 80 by 24; the fake host knows it by its argv. */
export function parrotSpec(id: TerminalId): TerminalSpec {
  return {
    id,
    argv: [process.execPath, "-e", PROGRAM],
    cwd: "/",
    env: { PATH: "/usr/bin:/bin", TERM: "xterm" },
    stdio: "terminal",
    cols: 80,
    rows: 24,
  };
}

/** The same on pipes. */
export function pipedParrotSpec(id: TerminalId): TerminalSpec {
  return { ...parrotSpec(id), stdio: "pipes" };
}

/** A program that is not there. */
export const MISSING_PROGRAM = "agent-relay-no-such-program";

/** Makes the programs of a fake host parrots, and the missing one missing. */
export function teachParrot(fake: FakePtyHost): void {
  const pending = new Map<TerminalId, string>();
  const deaf = new Set<TerminalId>();
  const print = (id: TerminalId, text: string): void => {
    const piped = fake.terminals.get(id)?.spec.stdio === "pipes";
    // A terminal turns the end of a line into two characters.
    fake.emitOutput(id, piped ? text : text.replaceAll("\n", "\r\n"));
  };
  const out = (id: TerminalId, text: string): void => {
    print(id, `${text}\n`);
  };
  const size = (id: TerminalId): string => {
    const info = fake.terminals.get(id)?.info();
    return `${String(info?.cols)}x${String(info?.rows)}`;
  };
  const obey = (id: TerminalId, command: string): void => {
    if (fake.terminals.get(id)?.ending !== undefined) return;
    const [word, ...rest] = command.split(" ");
    const text = rest.join(" ");
    if (word === "say") out(id, text);
    else if (word === "size") out(id, `size ${size(id)}`);
    else if (word === "flood") print(id, flooded(Number(text), FLOOD_LINE));
    else if (word === "complain") fake.emitErrors(id, `${text}\n`);
    else if (word === "deaf") {
      deaf.add(id);
      out(id, "deaf");
    } else if (word === "exit") fake.exit(id, { code: Number(text) });
    else if (word === "die") fake.exit(id, { signal: text });
    else out(id, `heard ${command}`);
  };
  fake.failSpawns((spec) => (spec.argv[0] === MISSING_PROGRAM ? `no such program: ${spec.argv[0]}` : undefined));
  fake.onSpawn((id) => {
    pending.set(id, "");
    deaf.delete(id);
    out(id, "ready");
  });
  fake.onWrite((id, text) => {
    const commands = ((pending.get(id) ?? "") + text).split(/[\r\n]/u);
    pending.set(id, commands.pop() ?? "");
    for (const command of commands) obey(id, command);
  });
  fake.onInputEnd((id) => {
    fake.exit(id, { code: 0 });
  });
  fake.onResize((id) => {
    out(id, `resized ${size(id)}`);
  });
  fake.onSignal((id, signal) => {
    if (signal !== "SIGTERM" || !deaf.has(id)) return undefined;
    out(id, "ignored SIGTERM");
    return "ignore";
  });
}
