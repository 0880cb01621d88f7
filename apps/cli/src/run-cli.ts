/**
 * One run of the command line: parse, act, say what went wrong, answer with an exit status.
 *
 *   R1  A wrong command line does nothing, says what is wrong and what may have been meant, and ends with 2.
 *   R2  The first interrupt asks the command to stop; the second, or three seconds, ends it. Agents are not its to end.
 */
import { resolve } from "node:path";
import { CommanderError, type Command } from "commander";
import type { Context } from "./context.ts";
import { readEnvironment } from "./environment.ts";
import { exit, type ExitCode } from "./exit-codes.ts";
import { leave } from "./exit.ts";
import { nearest } from "./nearest.ts";
import { buildProgram, programName, type Invocation } from "./program.ts";
import { createOutput, type Output } from "./terminal-output.ts";
import { UsageError } from "./usage-error.ts";

const graceMs = 3_000;

export async function runCli(argv: readonly string[]): Promise<number> {
  const environment = readEnvironment();
  const early = earlyGlobals(argv);
  let output = createOutput({ environment, json: early.json, color: early.color, verbose: early.verbose });
  let status: number = exit.ok;
  const program = buildProgram(async (invocation) => {
    const { globals } = invocation;
    output = createOutput({
      environment,
      json: globals.json === true,
      color: globals.color,
      verbose: globals.verbose === true,
    });
    status = await act(invocation, output);
  });
  silence(program);
  if (argv.length === 0) {
    program.outputHelp();
    return exit.ok;
  }
  try {
    await program.parseAsync([...argv], { from: "user" });
    return status;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return endOfParsing(thrown, program, argv, output);
    if (thrown instanceof UsageError) return refuseUsage(thrown.message, thrown.hint, output);
    const { failureOf, printFailure } = await import("./failure.ts");
    const failure = failureOf(thrown);
    printFailure(failure, output, thrown);
    return failure.exitCode;
  }
}

async function act(invocation: Invocation, output: Output): Promise<number> {
  const { globals } = invocation;
  const interruption = listenForInterrupts();
  const cwd = process.cwd();
  const context: Context = {
    output,
    environment: readEnvironment(),
    givenProject: globals.project === undefined ? undefined : resolve(cwd, globals.project),
    verbose: globals.verbose === true,
    signal: interruption.signal,
    cwd,
    now: Date.now,
  };
  try {
    const result = await Promise.race([invocation.run(context), interruption.overdue]);
    return result ?? (interruption.signal.aborted ? exit.interrupted : exit.ok);
  } catch (thrown) {
    // What fails because it was asked to stop has not failed.
    if (interruption.signal.aborted) return exit.interrupted;
    throw thrown;
  } finally {
    interruption.stop();
  }
}

function listenForInterrupts(): {
  readonly signal: AbortSignal;
  readonly overdue: Promise<ExitCode>;
  readonly stop: () => void;
} {
  const controller = new AbortController();
  let giveUp: NodeJS.Timeout | undefined;
  let finish: (code: ExitCode) => void = () => undefined;
  const overdue = new Promise<ExitCode>((done) => {
    finish = done;
  });
  const onSignal = (): void => {
    if (controller.signal.aborted) leave(exit.interrupted);
    controller.abort(new Error("interrupted"));
    giveUp = setTimeout(() => finish(exit.interrupted), graceMs);
    giveUp.unref();
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, onSignal);
  return {
    signal: controller.signal,
    overdue,
    stop: () => {
      clearTimeout(giveUp);
      for (const name of signals) process.off(name, onSignal);
    },
  };
}

/** Help and version end parsing too; everything else that does is a wrong command line. */
function endOfParsing(error: CommanderError, program: Command, argv: readonly string[], output: Output): ExitCode {
  if (error.exitCode === 0 || error.code === "commander.help" || error.code === "commander.helpDisplayed")
    return exit.ok;
  const message = error.message.replace(/^error: /, "");
  const suggestion = /\n\(Did you mean (.+)\?\)$/s.exec(message);
  if (suggestion !== null) {
    return refuseUsage(message.slice(0, suggestion.index), `did you mean ${suggestion[1] ?? ""}?`, output);
  }
  const group = groupOf(program, argv);
  if (error.code === "commander.excessArguments" && group !== undefined) {
    const path = `${programName} ${group.command.name()}`;
    const meant = nearest(
      group.word,
      group.command.commands.map((command) => command.name()),
    );
    const hint =
      meant.length > 0 ? `did you mean ${path} ${meant.join(" or ")}?` : `${path} --help lists what there is`;
    return refuseUsage(`unknown command '${group.word}' of ${group.command.name()}`, hint, output);
  }
  return refuseUsage(message, hintFor(error, program, argv), output);
}

function hintFor(error: CommanderError, program: Command, argv: readonly string[]): string {
  const command = program.commands.find((it) => argv.includes(it.name()));
  if (error.code === "commander.unknownOption" && takesCommandLine(command?.name())) {
    return "options of the program itself go after -- or into the quotes of its command line";
  }
  return command === undefined ? `${programName} --help lists the commands` : `${programName} ${command.name()} --help`;
}

function takesCommandLine(name: string | undefined): boolean {
  return name === "spawn" || name === "wrap" || name === "harness";
}

/** The group of commands that was named, and the word after it that names none of them. */
function groupOf(
  program: Command,
  argv: readonly string[],
): { readonly command: Command; readonly word: string } | undefined {
  const words = argv.filter((word) => !word.startsWith("-"));
  for (const [position, name] of words.entries()) {
    const command = program.commands.find((it) => it.name() === name && it.commands.length > 0);
    const word = words[position + 1];
    if (command !== undefined && word !== undefined) return { command, word };
  }
  return undefined;
}

function refuseUsage(message: string, hint: string | undefined, output: Output): ExitCode {
  if (output.isJson) {
    output.errorLine(
      JSON.stringify({ error: { code: "usage", message, retryable: false, ...(hint === undefined ? {} : { hint }) } }),
    );
  } else {
    output.errorLine(`${output.noteColours.red("error:")} ${message}`);
    if (hint !== undefined) output.errorLine(`${output.noteColours.dim("→")} ${hint}`);
  }
  return exit.usage;
}

/** The parser says nothing itself: what it would say is thrown as well, and printed in our form. */
function silence(command: Command): void {
  command.configureOutput({ writeErr: () => undefined });
  command.commands.forEach(silence);
}

/** How to print before the command line is parsed, for errors in it. */
function earlyGlobals(argv: readonly string[]): {
  readonly json: boolean;
  readonly color: boolean;
  readonly verbose: boolean;
} {
  const end = argv.indexOf("--");
  const own = end < 0 ? argv : argv.slice(0, end);
  return { json: own.includes("--json"), color: !own.includes("--no-color"), verbose: own.includes("--verbose") };
}
