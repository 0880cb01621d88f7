/** Workflows on the command line, with a real broker and real runners: what is said, in which shape, with which status. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { makeHome, program, type Home } from "./home.ts";
import { hasTerminal, inTerminal, kill, nodeBelow } from "./terminal.ts";

let home: Home;
beforeAll(async () => {
  home = makeHome();
  expect((await home.run(["up"])).status).toBe(0);
});
afterAll(async () => {
  await home.run(["down"]);
  // The runner leaves with the broker.
  await vi.waitFor(() => expect(processesOf(home)).toEqual([]), { timeout: 60_000, interval: 200 });
  await home.remove();
});
beforeEach(() => {
  file("ran", "");
});

const file = (name: string, text: string): void => writeFileSync(join(home.project, name), text);
const ran = (): readonly string[] => readFileSync(join(home.project, "ran"), "utf8").split("\n").filter(Boolean);
const header =
  'version: "1.0"\nname: flow\nswarm: { pattern: dag, timeoutMs: 600000 }\nworkflows:\n  - name: main\n    steps:\n';
const flow = (name: string, ...steps: readonly string[]): void =>
  file(name, header + steps.map((it) => `      - { ${it} }\n`).join(""));
const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const errorOf = (text: string): { code: string; message: string; hint?: string } =>
  (JSON.parse(text) as { error: { code: string; message: string; hint?: string } }).error;

/** Begins a run and answers its id. */
async function detached(name: string): Promise<string> {
  const { status, out } = await home.run(["run", name, "--detach", "--json"]);
  expect(status).toBe(0);
  return (JSON.parse(out) as { runId: string }).runId;
}

/** Processes of this home that are a command of ours. */
function processesOf(of: Home, command?: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/u.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return words.includes(of.project) && (command === undefined || words.includes(command));
      } catch {
        return false; // It has ended in the meantime.
      }
    });
}

test("run watches until the end: a line for each thing that became true, and 0", async () => {
  flow("ok.yaml", 'name: one, type: deterministic, command: "printf hello"');
  const { status, out, err } = await home.run(["run", "ok.yaml"]);
  expect([status, err]).toEqual([0, ""]);
  expect(out).toMatch(/^main \w+\n▸ one\n✓ one {2}hello\ncompleted\n$/u);
});

test("run - reads the workflow from standard input, and says so where it is wrong", async () => {
  const right = `${header}      - { name: one, type: deterministic, command: "printf piped" }\n`;
  const done = await home.run(["run", "-"], { input: right });
  expect([done.status, done.out]).toEqual([0, expect.stringContaining("✓ one  piped")]);
  const wrong = await home.run(["run", "-", "--dry-run"], { input: right.replace("printf piped", "{{nothing}}") });
  expect([wrong.status, wrong.err]).toEqual([2, expect.stringMatching(/^standard input:\d+:\d+: .*nothing/u)]);
  const long = await home.run(["run", "-"], { input: right + "#".repeat(600_000) });
  expect([long.status, long.err]).toEqual([2, expect.stringContaining("at most 524288 bytes")]);
});

test("run --json is one event a line, with the run and the instant in each", async () => {
  flow("ok.yaml", 'name: one, type: deterministic, command: "printf {{word}}"');
  file(
    "ok.yaml",
    readFileSync(join(home.project, "ok.yaml"), "utf8").replace("workflows:", "vars: { word: x }\nworkflows:"),
  );
  const { status, out } = await home.run(["run", "ok.yaml", "--var", "word=hi", "--json"]);
  const events = linesOf(out);
  expect(status).toBe(0);
  expect(events.map(({ type }) => type)).toEqual(["run:started", "step:started", "step:completed", "run:completed"]);
  expect(events[2]).toEqual({
    runId: expect.stringMatching(/^\w+$/u) as string,
    at: expect.any(Number) as number,
    type: "step:completed",
    step: "one",
    output: "hi",
  });
});

test("a run that fails ends with 5, says why, and how to go on", async () => {
  flow("bad.yaml", 'name: one, type: deterministic, command: "echo broken >&2; exit 3"');
  const { status, out, err } = await home.run(["run", "bad.yaml"]);
  expect(status).toBe(5);
  expect(out).toMatch(/✗ one: .*3/u);
  expect(err).toMatch(/runs show \w+ says why; agent-relay runs resume \w+ tries again/u);
});

test("a file that is wrong ends with 2 and tells everything, with file, line and column", async () => {
  flow(
    "wrong.yaml",
    'name: one, type: deterministic, command: "x", dependsOn: [nobody]',
    "name: two, agent: ada, task: t",
  );
  const { status, out, err } = await home.run(["run", "wrong.yaml"]);
  expect([status, out]).toEqual([2, ""]);
  expect(err).toMatch(/wrong\.yaml:7:\d+/u);
  const json = await home.run(["run", "wrong.yaml", "--json"]);
  const { valid, problems } = JSON.parse(json.out) as { valid: boolean; problems: { line: number }[] };
  expect([json.status, valid, problems.length > 0, problems[0]?.line]).toEqual([2, false, true, 7]);
});

test("run without a file, or with one that is not there, ends with 2 and says what to do", async () => {
  expect(await home.run(["run"])).toMatchObject({ status: 2, err: expect.stringContaining("run flow.yaml") as string });
  expect(await home.run(["run", "no.yaml"])).toMatchObject({
    status: 2,
    err: expect.stringContaining("no.yaml cannot be read") as string,
  });
});

test("what is no file is refused at once, though nobody ever writes to it", async () => {
  execFileSync("mkfifo", [join(home.project, "pipe.yaml")]);
  const { status, err } = await home.run(["run", "pipe.yaml"]);
  expect([status, err.includes("expected a file, found something else")]).toEqual([2, true]);
});

test("a step that failed is shown with the last line that it printed", async () => {
  flow("preflight.yaml", 'name: one, type: deterministic, command: "echo fine; echo the tree is dirty >&2; exit 1"');
  const { out } = await home.run(["run", "preflight.yaml"]);
  expect(out).toContain("✗ one: it ended with status 1  the tree is dirty");
});

test("--dry-run tells waves, exact arguments and warnings, and does nothing", async () => {
  flow(
    "dry.yaml",
    'name: one, type: deterministic, command: "echo ran >> ran"',
    'name: two, type: deterministic, command: "cat {{steps.one.output}}", dependsOn: [one], cwd: nowhere',
  );
  const text = await home.run(["run", "dry.yaml", "--dry-run"]);
  expect(text.status).toBe(0);
  expect(text.out).toContain('["/bin/sh","-c","echo ran >> ran"]');
  expect(text.out).toMatch(/wave 2\n {2}two/u);
  expect(text.out).toContain("! step two works in nowhere, which is not there");
  const { status, out } = await home.run(["run", "dry.yaml", "--dry-run", "--json"]);
  expect([status, JSON.parse(out)]).toMatchObject([
    0,
    {
      valid: true,
      file: "dry.yaml",
      totalSteps: 2,
      waves: [{ wave: 1 }, { wave: 2 }],
      warnings: [{ code: "CWD_MISSING", step: "two" }],
    },
  ]);
  expect(ran()).toEqual([]);
});

test("--schema prints the schema of files", async () => {
  const { status, out } = await home.run(["run", "--schema"]);
  expect([status, JSON.parse(out)]).toMatchObject([0, { type: "object" }]);
});

test("resume tries again what failed and nothing else; of a completed run nothing is left", async () => {
  flow(
    "again.yaml",
    'name: one, type: deterministic, command: "echo one >> ran"',
    'name: two, type: deterministic, command: "echo two >> ran; test -e mended", dependsOn: [one]',
  );
  const id = linesOf((await home.run(["run", "again.yaml", "--json"])).out)[0]?.["runId"] as string;
  expect(ran()).toEqual(["one", "two"]);
  file("mended", "");
  const resumed = await home.run(["run", "--resume", id, "--json"]);
  expect([resumed.status, linesOf(resumed.out).map(({ type }) => type)]).toEqual([
    0,
    ["step:started", "step:completed", "run:completed"],
  ]);
  expect(ran()).toEqual(["one", "two", "two"]);
  const left = await home.run(["runs", "resume", id, "--json"]);
  expect([left.status, errorOf(left.err).message]).toEqual([
    1,
    `every step of ${id} is completed: there is nothing to go on with`,
  ]);
  expect((await home.run(["runs", "retry", id, "one"])).status).toBe(0);
  expect(ran()).toEqual(["one", "two", "two", "one", "two"]);
});

test("run --start-from begins in the middle of a changed file, with what an earlier run came to", async () => {
  const first = 'name: one, type: deterministic, command: "echo one >> ran; echo from one"';
  const second = (command: string): string =>
    `name: two, type: deterministic, command: "echo {{steps.one.output}} >> ran; ${command}", dependsOn: [one]`;
  flow("changed.yaml", first, second("exit 3"));
  const id = linesOf((await home.run(["run", "changed.yaml", "--json"])).out)[0]?.["runId"] as string;
  flow("changed.yaml", first, second("true"));
  const dry = await home.run(["run", "changed.yaml", "--start-from", "two", "--dry-run"]);
  expect([dry.status, dry.out.includes("taken over from an earlier run: one")]).toEqual([0, true]);
  const more = ["--start-from", "two", "--previous-run", id.slice(0, -2), "--json"];
  const { status, out } = await home.run(["run", "changed.yaml", ...more]);
  expect([status, linesOf(out).map(({ type, takenFrom }) => takenFrom ?? type)]).toEqual([
    0,
    ["run:started", id, "step:started", "step:completed", "run:completed"],
  ]);
  expect(ran()).toEqual(["one", "from one", "from one"]);
  const told = await home.run(["run", "changed.yaml", "--start-from", "two", "--previous-run", id]);
  expect([told.status, told.err]).toEqual([0, expect.stringContaining(`1 step is taken over from the run ${id}`)]);
  const unknown = await home.run(["run", "changed.yaml", "--start-from", "tow", "--json"]);
  expect([unknown.status, errorOf(unknown.err).hint]).toEqual([1, 'did you mean "two"?']);
  const alone = await home.run(["run", "changed.yaml", "--previous-run", id, "--json"]);
  expect([alone.status, errorOf(alone.err).message]).toEqual([
    2,
    "expected --start-from beside --previous-run, found none",
  ]);
});

test("retry of a step that is not there says which may have been meant", async () => {
  flow("ok.yaml", 'name: build, type: deterministic, command: "true"');
  const id = linesOf((await home.run(["run", "ok.yaml", "--json"])).out)[0]?.["runId"] as string;
  const { status, err } = await home.run(["runs", "retry", id, "biuld"]);
  expect([status, err]).toEqual([
    1,
    `error: expected a step of ${id}, found 'biuld', which it does not have\n→ did you mean build?\n`,
  ]);
});

test("list, show and report know a run, by the beginning of its id", async () => {
  flow(
    "bad.yaml",
    'name: one, type: deterministic, command: "echo because; exit 3"',
    'name: two, type: deterministic, command: "true", dependsOn: [one]',
  );
  const id = linesOf((await home.run(["run", "bad.yaml", "--json"])).out)[0]?.["runId"] as string;
  const listed = JSON.parse((await home.run(["runs", "--json"])).out) as { runs: Record<string, unknown>[] };
  expect(listed.runs.find(({ runId }) => runId === id)).toMatchObject({
    document: "flow",
    workflow: "main",
    status: "failed",
    host: "project",
    steps: 2,
    failed: 1,
  });
  const table = await home.run(["runs", "list"], { env: { COLUMNS: "40" } });
  expect(table.out.split("\n").filter((line) => line.length > 40)).toEqual([]);
  expect(table.out).toContain("failed");
  const begun = id.slice(0, -1);
  const show = await home.run(["runs", "show", begun]);
  expect(show.out).toMatch(/one +failed +1/u);
  expect(show.out).toMatch(/two +skipped .*because of one/u);
  expect(show.out).toContain("  because");
  expect(JSON.parse((await home.run(["runs", "show", id, "--json"])).out)).toMatchObject({
    runId: id,
    status: "failed",
  });
  expect((await home.run(["runs", "report", begun])).out).toMatch(/^# main: failed\n/u);
  expect(JSON.parse((await home.run(["runs", "report", id, "--format", "json"])).out)).toMatchObject({ runId: id });
});

test("a run that nobody knows ends with 1 and says where runs are listed, or which was meant", async () => {
  const { status, err } = await home.run(["runs", "show", "nope"]);
  expect([status, err]).toEqual([
    1,
    "error: expected the id of a run, found 'nope', which names none\n→ agent-relay runs list\n",
  ]);
  flow("ok.yaml", 'name: one, type: deterministic, command: "true"');
  const id = linesOf((await home.run(["run", "ok.yaml", "--json"])).out)[0]?.["runId"] as string;
  const misspelt = `${id.slice(0, -2)}zz`;
  expect(errorOf((await home.run(["runs", "watch", misspelt, "--json"])).err).hint).toContain(`did you mean ${id}`);
});

test("cancel ends what runs, and with 0; once more is refused", async () => {
  flow("long.yaml", 'name: one, type: deterministic, command: "echo up >> ran; sleep 600"');
  const id = await detached("long.yaml");
  await expect.poll(ran).toEqual(["up"]);
  const { status, out } = await home.run(["runs", "cancel", id, "--reason", "enough", "--json"]);
  expect([status, linesOf(out).at(-1)?.["type"]]).toEqual([0, "run:cancelled"]);
  const again = await home.run(["runs", "cancel", id, "--json"]);
  expect([again.status, errorOf(again.err).message]).toEqual([1, `${id} has ended already: cancelled`]);
  expect((await home.run(["runs", "watch", id])).status).toBe(5);
  expect((await home.run(["runs", "show", id])).out).toMatch(/^one +stopped /mu);
});

test("a run that needs a person has ended, and cancel says so in those words", async () => {
  flow("stuck.yaml", 'name: one, type: deterministic, command: "exit 3"');
  const text = readFileSync(join(home.project, "stuck.yaml"), "utf8");
  file("stuck.yaml", text.replace("workflows:", "errorHandling: { onExhaustion: needs-human }\nworkflows:"));
  const { status, out } = await home.run(["run", "stuck.yaml", "--json"]);
  expect([status, linesOf(out).at(-1)?.["type"]]).toEqual([5, "run:needs-human"]);
  const id = linesOf(out)[0]?.["runId"] as string;
  const cancelled = await home.run(["runs", "cancel", id, "--json"]);
  expect([cancelled.status, errorOf(cancelled.err).message]).toEqual([1, `${id} has ended already: needs a person`]);
});

test("approve and deny answer the step that waits; a step that does not is refused", async () => {
  flow(
    "ask.yaml",
    'name: ask, type: wait_for, wait_for: { approval: "Ship it?" }',
    'name: ship, type: deterministic, command: "echo shipped >> ran", dependsOn: [ask]',
  );
  const yes = await detached("ask.yaml");
  const waits = async (id: string): Promise<string> => (await home.run(["runs", "show", id])).out;
  await expect.poll(() => waits(yes)).toMatch(/ask +running/u);
  expect((await home.run(["complete-names", "approval", "--", "runs", "approve", yes])).out).toBe("ask\n");
  const wrong = await home.run(["runs", "approve", yes, "ship", "--json"]);
  expect([wrong.status, errorOf(wrong.err).hint]).toEqual([1, "those that wait are ask"]);
  expect(JSON.parse((await home.run(["runs", "approve", yes, "--json"])).out)).toEqual({
    runId: yes,
    step: "ask",
    approved: true,
  });
  expect((await home.run(["runs", "watch", yes])).status).toBe(0);
  expect(ran()).toEqual(["shipped"]);
  const no = await detached("ask.yaml");
  await expect.poll(() => waits(no)).toMatch(/ask +running/u);
  expect((await home.run(["runs", "deny", no, "ask"])).out).toBe("ask: denied\n");
  expect((await home.run(["runs", "watch", no])).status).toBe(5);
});

test("approve and deny answer nothing but what waits for a person, also inside another step", async () => {
  flow(
    "inside.yaml",
    'name: each, type: deterministic, command: "echo {{item}} >> ran; sleep 600", for_each: [x]',
    'name: go, type: wait_for, wait_for: { approval: "Go?" }, for_each: [y]',
  );
  const id = await detached("inside.yaml");
  await expect.poll(ran).toEqual(["x"]);
  for (const word of ["approve", "deny"]) {
    const { status, err } = await home.run(["runs", word, id, "each[0]", "--json"]);
    expect([status, errorOf(err)]).toMatchObject([
      1,
      { message: `'each[0]' of ${id} does not wait for a person`, hint: "those that wait are go[0]" },
    ]);
  }
  expect((await home.run(["runs", "approve", id])).out).toBe("go[0]: approved\n");
  await expect.poll(async () => (await home.run(["runs", "show", id])).out).toMatch(/go +completed/u);
  const none = await home.run(["runs", "approve", id, "--json"]);
  expect([none.status, errorOf(none.err).message]).toEqual([1, `no step of ${id} waits for a person`]);
  const busy = await home.run(["runs", "retry", id, "each", "--json"]);
  expect([busy.status, errorOf(busy.err).message]).toEqual([
    1,
    `${id} goes on still: a step can be run again when it has ended`,
  ]);
  expect((await home.run(["runs", "cancel", id])).status).toBe(0);
});

test("workflows: a list, one of them, and a file of it that the dry run accepts", async () => {
  const { templates } = JSON.parse((await home.run(["workflows", "--json"])).out) as { templates: { name: string }[] };
  expect(templates.map(({ name }) => name)).toContain("review-loop");
  expect((await home.run(["workflows", "show", "bug-fix"])).out).toContain("version:");
  expect((await home.run(["workflows", "new", "bug-fix", "mine.yaml"])).status).toBe(0);
  const twice = await home.run(["workflows", "new", "bug-fix", "mine.yaml"]);
  expect([twice.status, twice.err.includes("is there already")]).toEqual([2, true]);
  const misspelt = await home.run(["workflows", "show", "bug-fux"]);
  expect([misspelt.status, misspelt.err.includes("did you mean bug-fix?")]).toEqual([2, true]);
});

test("workflows new says how to try the file out, and that works as it can be typed", async () => {
  const { out } = await home.run(["workflows", "new", "bug-fix", "my own.yaml"]);
  const hint = out.slice(out.indexOf("agent-relay run"));
  const typed = hint.replace("agent-relay", `"${process.execPath}" "${program}"`);
  const { status, stdout } = spawnSync("/bin/sh", ["-c", typed], { cwd: home.project, env: home.environment });
  expect([status, stdout.toString().includes("wave 1")]).toEqual([0, true]);
});

test("--program says what runs instead of an agent's program, and the run does so", async () => {
  const claude = join(home.project, "claude");
  writeFileSync(claude, '#!/bin/sh\necho "$*" >> ran; echo done\n', { mode: 0o755 });
  flow("agent.yaml", "name: one, agent: ada, task: Do it.");
  const agents = "agents: [{ name: ada, cli: codex, preset: worker }]\nworkflows:";
  file("agent.yaml", readFileSync(join(home.project, "agent.yaml"), "utf8").replace("workflows:", agents));
  const dry = await home.run(["run", "agent.yaml", "--program", `ada=${claude}`, "--dry-run", "--json"]);
  expect(JSON.parse(dry.out)).toMatchObject({ agents: [{ name: "ada", cli: claude }] });
  const { status, out } = await home.run(["run", "agent.yaml", "--program", `*=${claude}`]);
  expect([status, out.includes("✓ one  done"), ran().length]).toEqual([0, true, 1]);
  const nobody = await home.run(["run", "agent.yaml", "--program", "adda=codex", "--json"]);
  expect([nobody.status, nobody.out.includes('"adda\\"')]).toEqual([2, true]);
  const resumed = await home.run(["run", "--resume", "x", "--program", "ada=codex"]);
  expect([resumed.status, resumed.err.includes("as it was begun")]).toEqual([2, true]);
});

test("completion asks for runs, for steps of the one that was typed, and for templates", async () => {
  flow(
    "ok.yaml",
    'name: one, type: deterministic, command: "true"',
    'name: "in", type: deterministic, command: "true", for_each: [x]',
  );
  const id = linesOf((await home.run(["run", "ok.yaml", "--json"])).out)[0]?.["runId"] as string;
  expect((await home.run(["complete-names", "run"])).out.split("\n")).toContain(id);
  expect((await home.run(["complete-names", "template"])).out.split("\n")).toContain("review-loop");
  const steps = async (...typed: string[]): Promise<string[]> =>
    (await home.run(["complete-names", "step", "--", ...typed])).out.split("\n").filter(Boolean);
  expect(await steps("runs", "retry", "-d")).toContain(id);
  expect(await steps("runs", "retry", id.slice(0, -1))).toEqual(["one", "in", "in[0]"]);
  expect(await steps("runs", "retry", id, "one")).toEqual([]);
});

test.each([
  ["run"],
  ["runs"],
  ["runs", "watch"],
  ["runs", "resume"],
  ["runs", "report"],
  ["runs", "deny"],
  ["workflows"],
  ["workflows", "new"],
])("the help of %s %s teaches with examples", async (...words: string[]) => {
  const { status, out } = await home.run([...words, "--help"]);
  expect([status, /Examples?:\n {2}\$ agent-relay /u.test(out), out.includes("JSON (--json):")]).toEqual([
    0,
    true,
    true,
  ]);
});

/** Three steps, of which the one in the middle goes on when it may. */
const held = (): { readonly goOn: () => void } => {
  const sign = join(home.project, "may-go-on");
  rmSync(sign, { force: true });
  flow(
    "held.yaml",
    'name: a, type: deterministic, command: "echo a >> ran"',
    'name: b, type: deterministic, command: "echo b >> ran; echo line 1; until test -e may-go-on; do sleep 0.1; done", dependsOn: [a]',
    'name: c, type: deterministic, command: "echo c >> ran", dependsOn: [b]',
  );
  return { goOn: () => writeFileSync(sign, "") };
};

test("the runner is killed: its run is taken up and completed, and nobody types anything", async () => {
  const { goOn } = held();
  const id = await detached("held.yaml");
  await expect.poll(ran).toEqual(["a", "b"]);
  // One that an earlier run needed may be about to leave.
  for (const pid of processesOf(home, "runner")) kill(pid, "SIGKILL");
  goOn();
  await expect.poll(ran, { timeout: 120_000, interval: 200 }).toContain("c");
  expect(ran()).toEqual(["a", "b", "b", "c"]);
  expect((await home.run(["runs", "watch", id])).status).toBe(0);
});

test("the runner is told to end: it gives back what it holds, so that the next one need not wait for it", async () => {
  const { goOn } = held();
  const id = await detached("held.yaml");
  await expect.poll(ran, { timeout: 20_000 }).toEqual(["a", "b"]);
  const [runner] = processesOf(home, "runner");
  kill(runner, "SIGTERM");
  /** From its own on. */
  const givenBack = async (): Promise<readonly unknown[]> => {
    const { out } = await home.run(["events", "--json", "--type", "lease_ended"]);
    const leases = out.split("\n").flatMap((line) => {
      const event = line === "" ? {} : (JSON.parse(line) as { lease?: string; how?: string });
      return event.how === "released" ? [event.lease] : [];
    });
    return leases.includes(`run/${id}`) ? leases.slice(leases.indexOf(`run/${id}`)) : [];
  };
  await expect.poll(givenBack, { timeout: 15_000, interval: 200 }).toEqual([`run/${id}`, "runner/project"]);
  goOn();
  expect((await home.run(["runs", "watch", id])).status).toBe(0);
});

test("the runner and the broker are killed: with the next broker the run is taken up", async () => {
  const { goOn } = held();
  const id = await detached("held.yaml");
  await expect.poll(ran).toEqual(["a", "b"]);
  for (const pid of [...processesOf(home, "runner"), ...processesOf(home, "broker-run")]) kill(pid, "SIGKILL");
  goOn();
  expect((await home.run(["up"])).status).toBe(0);
  await expect.poll(ran, { timeout: 120_000, interval: 200 }).toContain("c");
  expect(ran()).toEqual(["a", "b", "b", "c"]);
  expect((await home.run(["runs", "watch", id])).status).toBe(0);
});

test.skipIf(!hasTerminal)(
  "on a terminal the view changes in place, and Ctrl-C leaves the run going and says so",
  async () => {
    const { goOn } = held();
    const running = inTerminal(home, ["run", "held.yaml"], { cols: 60, rows: 12 });
    await running.until(/line \d/u);
    process.kill(nodeBelow(running), "SIGINT");
    const { out } = await running.ended;
    expect(out).toContain("status=130");
    expect(out).toMatch(/It goes on: agent-relay runs watch \w+/u);
    expect(out).toContain("\u001b[?25l");
    expect(out.lastIndexOf("\u001b[?25h")).toBeGreaterThan(out.lastIndexOf("\u001b[?25l"));
    const id = /runs watch (\w+)/u.exec(out)?.[1] ?? "";
    const watched = inTerminal(home, ["runs", "watch", id], { cols: 60, rows: 12 });
    await watched.until(/line 1/u);
    goOn();
    expect((await watched.ended).out).toMatch(/3\/3 .*completed[^]*status=0/u);
  },
);

/** Runs a script in the project; it may use `workflow` and `connect`, and says the id of its run. */
function script(text: string): ReturnType<typeof spawn> {
  const place = join(home.project, "script.mjs");
  const built = (name: string): string =>
    JSON.stringify(new URL(`../../../packages/${name}/dist/index.js`, import.meta.url).href);
  writeFileSync(
    place,
    `import { appendFileSync } from "node:fs";
import { connect } from ${built("sdk")};
import { startWorkflow, workflow } from ${built("workflow")};
${text}
`,
  );
  const child = spawn(process.execPath, [place], { cwd: home.project, env: home.environment, stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

test("a script that dies leaves its run to the project's runner", async () => {
  const { goOn } = held();
  const child = script(`const run = await startWorkflow("held.yaml");
run.on(({ type, step }) => console.log(run.runId, type, step ?? ""));
await run.result();`);
  await expect.poll(ran).toEqual(["a", "b"]);
  child.kill("SIGKILL");
  goOn();
  await expect.poll(ran, { timeout: 120_000, interval: 200 }).toContain("c");
  expect(ran()).toEqual(["a", "b", "b", "c"]);
  expect(existsSync(join(home.project, ".agent-relay", "logs", "runner.log"))).toBe(true);
});

test("a script that aborts its signal has its run cancelled, over a connection of the run's own, too", async () => {
  held();
  script(`const stop = new AbortController();
const run = await startWorkflow("held.yaml", { signal: stop.signal });
run.on(({ type, step }) => { if (type === "step:started" && step === "b") stop.abort(); });
const outcome = await run.result().then(({ status }) => status, (error) => error.message);
appendFileSync("outcome", outcome);`);
  const outcome = (): string => {
    const file = join(home.project, "outcome");
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  };
  await expect.poll(outcome, { timeout: 20_000 }).toBe("cancelled");
});

/** Begins a run whose agent is a function that never ends, beside a command that does not either, and waits for both. */
async function begunByScript(
  after: string,
): Promise<{ readonly id: string; readonly child: ReturnType<typeof spawn> }> {
  const child = script(`const relay = await connect();
const flow = workflow("team").pattern("dag")
  .agent("ada", { cli: "claude", preset: "worker" })
  .step("play", { agent: "ada", task: "Play." })
  .step("run", { type: "deterministic", command: "echo $$ >> ran; sleep 600" });
const run = await flow.start({ relay, executor: { agent: () => new Promise((_, reject) => {
  appendFileSync("ran", run.runId + "\\n");
  setInterval(() => undefined, 1_000);
}) } });
${after}`);
  await expect.poll(ran).toHaveLength(2);
  return { id: ran().find((it) => !/^\d+$/u.test(it)) ?? "", child };
}
/** One that has ended and that nobody has waited for has no command line. */
function commandIsThere(): boolean {
  try {
    return readFileSync(`/proc/${ran().find((it) => /^\d+$/u.test(it)) ?? ""}/cmdline`, "utf8") !== "";
  } catch {
    return false;
  }
}

test("a run that only its script can execute: while that lives it ends it, and nobody else goes on with it", async () => {
  const { id, child } = await begunByScript("await run.result(); process.exit(0);");
  const resumed = await home.run(["runs", "resume", id, "--json"]);
  expect([resumed.status, errorOf(resumed.err).message]).toEqual([
    1,
    `${id} is executed by script ${child.pid}, and nobody else can`,
  ]);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const { status, out } = await home.run(["runs", "cancel", id, "--json"]);
  expect([status, linesOf(out).at(-1)?.["type"], commandIsThere()]).toEqual([0, "run:cancelled", false]);
  await ended;
});

test("a run whose script is gone: resume says who can go on with it, and cancel ends what the script left", async () => {
  const { id, child } = await begunByScript("");
  kill(child.pid, "SIGKILL");
  expect(commandIsThere()).toBe(true);
  // What it executed is its own for a while yet.
  const { status, out } = await home.run(["runs", "cancel", id, "--json"]);
  const resumed = async () => errorOf((await home.run(["runs", "resume", id, "--json"])).err);
  expect([status, linesOf(out).at(-1)?.["type"], commandIsThere()]).toEqual([0, "run:cancelled", false]);
  expect(await resumed()).toMatchObject({
    message: `only the script that began ${id} can go on with it: functions of its own do what it wants`,
    hint: `in the script: await resume("${id}", { relay, executor })`,
  });
});
