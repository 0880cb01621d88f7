/** The scripted agent in a real terminal: what it shows, what it takes, and how it ends. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { personas } from "./personas.ts";
import type { ScriptInput } from "./script.ts";
import { buildPrograms } from "./testing/programs.ts";
import type { BuiltPrograms } from "./testing/programs.ts";
import { openTerminal } from "./testing/real-terminal.ts";
import type { RealTerminal } from "./testing/real-terminal.ts";

let programs: BuiltPrograms;
let terminals: RealTerminal[] = [];
let count = 0;

beforeAll(async () => {
  programs = await buildPrograms();
}, 60_000);
afterEach(async () => {
  for (const terminal of terminals) await terminal.close();
  terminals = [];
});
afterAll(() => {
  programs.remove();
});

function play(script: ScriptInput | undefined, args: readonly string[] = []): RealTerminal {
  const journalFile = join(programs.directory, `journal-${count++}.jsonl`);
  const terminal = openTerminal({
    program: programs.agent,
    journalFile,
    args,
    ...(script === undefined ? {} : { script }),
  });
  terminals.push(terminal);
  return terminal;
}

async function playReady(script: ScriptInput, args: readonly string[] = []): Promise<RealTerminal> {
  const terminal = play(script, args);
  await terminal.journalled("ready");
  return terminal;
}

const paste = (text: string): string => `\u001b[200~${text}\u001b[201~`;
const status = (state: string): string => `\u001b]7501;state=${state}:app=scripted`;
const typesOf = (terminal: RealTerminal): readonly string[] => terminal.journal().map((entry) => entry.type);

test("a composer turns bracketed paste on, shows its prompt and says that it is idle", async () => {
  const terminal = play(personas.composer);
  await terminal.shows("❯ ");
  expect(terminal.output()).toContain("\u001b[?2004h");
  await terminal.shows(status("idle"));
});

test("A1: a pasted prompt of several lines is one turn with exactly that text", async () => {
  const terminal = await playReady(personas.echo);
  terminal.type(paste("first\rsecond ✓\r\nthird"));
  terminal.type("\r");
  const prompt = await terminal.journalled("prompt");
  await terminal.shows("echo: first\r\nsecond ✓\r\nthird");
  await terminal.journalled("turn_ended");
  expect([prompt.text, prompt.turn]).toEqual(["first\nsecond ✓\nthird", 1]);
});

test("a turn is reported as working and then done", async () => {
  const terminal = await playReady(personas.echo);
  terminal.type("hello\r");
  await terminal.shows(status("done"));
  const states = [...terminal.output().matchAll(/7501;state=(\w+)/g)].map(([, state]) => state);
  expect(states).toEqual(["idle", "working", "done"]);
});

test("a prompt as large as a message arrives whole", async () => {
  const terminal = await playReady({ ...personas.echo, rules: [], echo: false });
  const text = "0123456789abcdef ".repeat(16_000);
  terminal.type(paste(text));
  terminal.type("\r");
  expect((await terminal.journalled("prompt")).text).toBe(text);
});

test("the draft can be edited with backspace and cleared with Ctrl-U", async () => {
  const terminal = await playReady(personas.echo);
  terminal.type("wrong\u0015righ\u007fht\r");
  expect((await terminal.journalled("prompt")).text).toBe("right");
});

test("typed text is shown, or not, as the script says", async () => {
  const shown = await playReady(personas.echo);
  const hidden = await playReady({ ...personas.noEcho, rules: [] });
  for (const terminal of [shown, hidden]) {
    terminal.type("password\r");
    await terminal.journalled("turn_ended");
  }
  await shown.shows("❯ password");
  expect(hidden.output()).not.toContain("password");
});

test("what is typed while it boots keeps its text and loses its Enter", async () => {
  const terminal = play({ ...personas.slowBoot, bootMs: 400 });
  await terminal.journalled("boot");
  terminal.type("early\r");
  await terminal.journalled("ready");
  await terminal.shows("❯ early");
  terminal.type(" bird\r");
  expect((await terminal.journalled("prompt")).text).toBe("early bird");
});

test("what is typed while it boots is lost if the script says so", async () => {
  const terminal = play({ bootMs: 400, whileBooting: "drop" });
  await terminal.journalled("boot");
  terminal.type("early");
  await terminal.journalled("ready");
  terminal.type("late\r");
  expect((await terminal.journalled("prompt")).text).toBe("late");
});

test("A1: what is submitted while it works runs as the next turn", async () => {
  const terminal = await playReady({ ...personas.echo, turnMs: 200 });
  terminal.type("one\r");
  await terminal.journalled("turn_started");
  terminal.type("two\r");
  await terminal.journalled("turn_ended", (it) => it.turn === 2);
  const story = terminal.journal().flatMap((entry) => {
    if (entry.type === "prompt") return [entry.text];
    return entry.type === "turn_ended" ? [`end of ${entry.turn}`] : [];
  });
  expect(story).toEqual(["one", "end of 1", "two", "end of 2"]);
});

test("what is submitted while it works stays in the composer if the script says so", async () => {
  const terminal = await playReady({ turnMs: 200, whileBusy: "keep" });
  terminal.type("one\r");
  await terminal.journalled("turn_started");
  terminal.type("two\r");
  await terminal.journalled("turn_ended");
  await terminal.shows("❯ two");
  terminal.type("!\r");
  expect((await terminal.journalled("prompt", (it) => it.turn === 2)).text).toBe("two!");
});

test("the trust dialog blocks until y, and what is pasted meanwhile is lost", async () => {
  const terminal = play(personas.trustDialog);
  await terminal.shows(status("blocked"));
  terminal.type(paste("hello"));
  await terminal.journalled("dialog_input");
  expect(typesOf(terminal)).not.toContain("ready");
  terminal.type("y");
  await terminal.journalled("ready");
});

test("a blind Enter at the trust dialog ends the program", async () => {
  const terminal = play(personas.trustDialog);
  await terminal.shows(status("blocked"));
  terminal.type("\r");
  expect(await terminal.ended).toBe(1);
});

test("A2: whatever is typed at a permission prompt answers it and is journalled", async () => {
  const terminal = await playReady(personas.permission);
  terminal.type("clean up\r");
  await terminal.shows(`${status("blocked")}:kind=permission`);
  terminal.type(paste("a message"));
  terminal.type("\r");
  await terminal.shows("ran it: clean up");
  await terminal.journalled("turn_ended");
  const inputs = terminal.journal().flatMap((entry) => (entry.type === "dialog_input" ? [entry.input] : []));
  expect([inputs, typesOf(terminal).filter((type) => type === "prompt")]).toEqual([["a message", "enter"], ["prompt"]]);
});

test("a refused permission ends the turn", async () => {
  const terminal = await playReady(personas.permission);
  terminal.type("clean up\r");
  await terminal.journalled("dialog_opened");
  terminal.type("n");
  expect((await terminal.journalled("turn_ended")).how).toBe("denied");
  expect(terminal.output()).not.toContain("ran it");
});

test("A3: Escape ends the turn, and the program is idle", async () => {
  const terminal = await playReady({ ...personas.neverIdle, rules: [{ on: "message", do: [{ say: "never" }] }] });
  terminal.type("think\r");
  await terminal.shows("Working…");
  const idleBefore = terminal.output().split(status("idle")).length;
  terminal.type("\u001b");
  expect((await terminal.journalled("turn_ended")).how).toBe("interrupted");
  await terminal.shows("Interrupted");
  expect(terminal.output().split(status("idle")).length).toBe(idleBefore + 1);
  expect(terminal.output()).not.toContain("never");
});

test("B1: what was to follow an interrupted action is not done", async () => {
  const terminal = await playReady({ rules: [{ on: "message", do: [{ busy: 60_000 }, { say: "never" }] }] });
  terminal.type("think\r");
  await terminal.journalled("action");
  terminal.type("\u001b");
  await terminal.journalled("turn_ended");
  expect(terminal.journal().flatMap((entry) => (entry.type === "action" ? [entry.action] : []))).toEqual(["busy"]);
});

test("a program that ignores Escape works on", async () => {
  const terminal = await playReady({ ...personas.deaf, turnMs: 400 });
  terminal.type("think\r");
  await terminal.journalled("turn_started");
  terminal.type("\u001b");
  expect((await terminal.journalled("turn_ended")).how).toBe("done");
});

test("a spinner repaints while it works, and a restless program while it is idle", async () => {
  const terminal = await playReady(personas.restless);
  await terminal.shows(/(?:Working….*?){4}/su);
  expect(typesOf(terminal)).not.toContain("turn_started");
});

test("it reports its state only after the terminal has answered, if it asks first", async () => {
  const terminal = await playReady(personas.asksFirst);
  await terminal.shows("\u001b]7501;?");
  await terminal.shows("❯ ");
  expect(terminal.output()).not.toContain("state=");
  terminal.type("\u001b]7501;?\u001b\\");
  await terminal.shows(status("idle"));
});

test("without bracketed paste the marks land in the prompt", async () => {
  const terminal = await playReady({ ...personas.pasteShy, submitGraceMs: 0 });
  expect(terminal.output()).not.toContain("\u001b[?2004h");
  terminal.type(paste("hello"));
  terminal.type("\r");
  expect((await terminal.journalled("prompt")).text).toBe("[200~hello[201~");
});

test("an Enter right after the text is a newline for a program that takes fast input for a paste", async () => {
  const terminal = await playReady(personas.pasteShy);
  terminal.type("hello\r");
  await terminal.shows("❯ hello\r\n");
  await new Promise((resolve) => setTimeout(resolve, 60));
  terminal.type("\r");
  expect((await terminal.journalled("prompt")).text).toBe("hello\n");
});

test("a line reader answers what it got, without raw mode or status", async () => {
  const terminal = await playReady(personas.line);
  terminal.type("hello\n");
  await terminal.shows("got: hello");
  expect(terminal.output()).not.toContain("\u001b");
});

test("lines that come together are one prompt for a line reader, or one each", async () => {
  const joined = await playReady(personas.line);
  joined.type("a\nb\n");
  expect((await joined.journalled("prompt")).text).toBe("a\nb");
  const single = await playReady({ ...personas.line, joinLinesMs: 0 });
  single.type("a\nb\n");
  expect((await single.journalled("prompt", (it) => it.turn === 2)).text).toBe("b");
});

test("a silent program prints nothing at all and still takes prompts", async () => {
  const terminal = await playReady(personas.silent);
  terminal.type("hello\r");
  await terminal.journalled("turn_ended");
  expect(terminal.output()).toBe("");
});

test("context figures are printed, and at nothing left it dies of it", async () => {
  const terminal = await playReady({
    ...personas.contextLow,
    context: { left: 16, perTurn: 10, via: "screen", onEmpty: "exit" },
  });
  terminal.type("one\r");
  await terminal.shows("Context 6% left");
  terminal.type("two\r");
  await terminal.shows("Context window is full");
  expect(await terminal.ended).toBe(1);
});

test("/exit, Ctrl-C and Ctrl-D at an empty composer leave with code 0", async () => {
  for (const key of ["/exit\r", "\u0003", "\u0004"]) {
    const terminal = await playReady(personas.echo);
    terminal.type(key);
    expect(await terminal.ended).toBe(0);
  }
});

test("/exit leaves in the middle of a turn too", async () => {
  const terminal = await playReady(personas.neverIdle);
  terminal.type("think\r");
  await terminal.journalled("turn_started");
  terminal.type("/exit\r");
  expect(await terminal.ended).toBe(0);
});

test("a crash has the code of the script, and its last words reach the terminal", async () => {
  const terminal = await playReady(personas.crashy);
  terminal.type("one\r");
  await terminal.journalled("turn_ended");
  terminal.type("two\r");
  expect(await terminal.ended).toBe(1);
  expect(terminal.output()).toContain("fatal: out of ideas");
});

test("a crash at boot comes before it is ready", async () => {
  const terminal = play(personas.stillborn);
  expect(await terminal.ended).toBe(1);
  expect(typesOf(terminal)).not.toContain("ready");
});

test("it can kill itself with a signal", async () => {
  const terminal = await playReady(personas.killed);
  terminal.type("go\r");
  expect(await terminal.ended).toBe(128 + 9);
});

test("SIGTERM is died of, left by, or ignored, as the script says", async () => {
  const codes = { die: 128 + 15, exit: 0 } as const;
  for (const onTerm of ["die", "exit"] as const) {
    const terminal = await playReady({ onTerm });
    process.kill((await terminal.journalled("ready")).pid, "SIGTERM");
    expect(await terminal.ended).toBe(codes[onTerm]);
  }
});

test("a stubborn program outlives /exit, Ctrl-C, Ctrl-D and SIGTERM, and answers still", async () => {
  const terminal = await playReady(personas.stubborn);
  terminal.type("/exit\r\u0003\u0004");
  process.kill((await terminal.journalled("ready")).pid, "SIGTERM");
  await terminal.journalled("signal");
  terminal.type("hello\r");
  await terminal.shows("echo: hello");
});

test("grandchildren run in the agent's process group, and one ignores SIGTERM", async () => {
  const terminal = await playReady(personas.grandparent);
  await terminal.shows("❯ ");
  const children = terminal.journal().flatMap((entry) => (entry.type === "grandchild" ? [entry] : []));
  const groupOf = (pid: number): string | undefined => statOf(pid)[2];
  expect(children.map((it) => groupOf(it.grandchild))).toEqual(children.map((it) => groupOf(it.pid)));
  const [mortal, tough] = children;
  for (const child of children) process.kill(child.grandchild, "SIGTERM");
  await expect.poll(() => stateOf(mortal?.grandchild ?? 0)).toBe("gone");
  expect(stateOf(tough?.grandchild ?? 0)).toBe("running");
});

test("A4: when the terminal is gone even a stubborn program at work goes", async () => {
  const terminal = play({ ...personas.stubborn, turnMs: 60_000 });
  await terminal.journalled("ready");
  terminal.type("think\r");
  const { pid } = await terminal.journalled("turn_started");
  process.kill(Number(statOf(pid)[1]), "SIGKILL");
  await expect.poll(() => stateOf(pid)).toBe("gone");
});

test("A4: without a terminal, the end of its input ends it", async () => {
  const child = spawn(process.execPath, [programs.agent, "--script", JSON.stringify({ turnMs: 60_000 })], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  child.stdin.end("think\r");
  expect(await new Promise((resolve) => child.on("close", resolve))).toBe(0);
});

test("a flood arrives whole", async () => {
  const terminal = await playReady({ rules: [{ on: "message", do: [{ flood: 1_000_000 }, { exit: 0 }] }] });
  terminal.type("go\r");
  expect(await terminal.ended).toBe(0);
  expect(terminal.output().split("flood ").length - 1).toBeGreaterThan(1_000_000 / 6.5);
});

test("B2: it lingers after its last words", async () => {
  const terminal = await playReady({ lingerMs: 3_000, rules: [{ on: "message", do: [{ say: "bye" }, { exit: 0 }] }] });
  terminal.type("go\r");
  const { pid, at } = await terminal.journalled("exit");
  await terminal.shows("bye");
  expect(stateOf(pid)).toBe("running");
  expect(await terminal.ended).toBe(0);
  expect(Date.now() - at).toBeGreaterThanOrEqual(3_000);
});

test("B2: the last words of ten short lives arrive whole", async () => {
  const last = "z".repeat(30_000);
  for (let life = 0; life < 10; life++) {
    const terminal = play({ rules: [{ on: "boot", do: [{ say: last }, { exit: 7 }] }] });
    expect(await terminal.ended).toBe(7);
    expect(terminal.output()).toContain(last);
  }
});

test("a script with mistakes is refused by name, with code 2", async () => {
  const terminal = play(undefined, ["--script", '{"mode":"composr","rules":[{"on":"message","do":[{"replay":"x"}]}]}']);
  expect(await terminal.ended).toBe(2);
  expect(terminal.output()).toContain('script.mode: expected one of "composer", "line", "silent"; found "composr"');
  expect(terminal.output()).toContain("script.rules[0].do[0]: expected an object with one of say,");
});

test("options of the program that it stands in for are ignored and journalled", async () => {
  const terminal = await playReady(personas.echo, ["--model", "large", "--mcp-config", "servers.json"]);
  const { argv } = await terminal.journalled("boot");
  expect(argv).toEqual(["--model", "large", "--mcp-config", "servers.json"]);
});

test("a persona can be named on the command line", async () => {
  const terminal = play(undefined, ["--persona", "line"]);
  await terminal.journalled("ready");
  terminal.type("hello\n");
  await terminal.shows("got: hello");
});

/** Fields of /proc/<pid>/stat from the state on: state, parent, group. */
function statOf(pid: number): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    // No such file means no such process, and the empty answer says so.
    return [];
  }
}

function stateOf(pid: number): "gone" | "running" {
  const [state] = statOf(pid);
  return state === undefined || state === "Z" ? "gone" : "running";
}
