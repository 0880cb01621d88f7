import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { harnesses } from "../table.ts";
import type { HarnessId } from "../harness.ts";
import type { AgentSignal } from "../hook-report.ts";
import { createObserver } from "./observer.ts";
import type { Observation, ObserverInput, ObserverState } from "./observation.ts";

/** Controls of both kinds, letters with and without accents, and characters of two units. */
const anyCharacter = fc
  .oneof(fc.nat(0x2ff), fc.constantFrom(0x2028, 0x202e, 0x212a, 0xfeff, 0x1f642))
  .map((code) => String.fromCodePoint(code));

/** Runs a story and gives what was said, without the chatter of activity. Due wake-ups happen in between. */
function observe(id: HarnessId, inputs: readonly ObserverInput[], until?: number) {
  const observer = createObserver(harnesses[id]);
  let state = observer.initial(0);
  const said: Observation[] = [];
  const replies: string[] = [];
  let wakeAt: number | undefined;
  const take = (input: ObserverInput): void => {
    const step = observer.step(state, input);
    state = step.state;
    wakeAt = step.wakeAt;
    said.push(...step.observations.filter(({ type }) => type !== "activity"));
    if (step.reply !== undefined) replies.push(step.reply);
  };
  take({ type: "tick", at: 0 });
  const runUntil = (at: number): void => {
    while (wakeAt !== undefined && wakeAt <= at) take({ type: "tick", at: wakeAt });
  };
  for (const input of inputs) {
    runUntil(input.at);
    take(input);
  }
  runUntil(until ?? (inputs.at(-1)?.at ?? 0) + 10_000);
  return { said, short: said.map(shorten), replies, state };
}

function shorten(observation: Observation): string {
  const { type, at, source, fidelity } = observation;
  const what =
    type === "blocked"
      ? ` ${observation.kind}`
      : type === "context"
        ? ` ${observation.pctLeft}`
        : type === "bracketed_paste"
          ? ` ${observation.on ? "on" : "off"}`
          : "";
  return `${at} ${type}${what} ${source} ${fidelity}`;
}

const output = (at: number, data: string | Uint8Array): ObserverInput => ({ type: "output", data, at });
const status = (at: number, report: string): ObserverInput => output(at, `\u001b]7501;${report}\u001b\\`);
const title = (at: number, text: string): ObserverInput => output(at, `\u001b]0;${text}\u0007`);

describe("program status", () => {
  it.each([
    ["kind=permission:msg=dHJ1c3QgdGhpcyBmb2xkZXI=", "10 blocked trust status exact"],
    ["kind=permission:msg=YXBwcm92ZSBwbGFu", "10 blocked question status exact"],
    ["kind=permission:msg=YXBwcm92ZSBCYXNoOiB0b3VjaCB4", "10 blocked permission status exact"],
    ["msg=ZGlhbG9nIG9wZW4=", "10 blocked unknown status exact"],
  ])("claude: a message tells what kind of dialog it is (%s)", (report, expected) => {
    const ready = [status(0, "state=idle"), status(5, "state=working")];
    const { short } = observe("claude-code", [...ready, status(10, `state=blocked:app=claude-code:${report}`)], 10);
    expect(short.at(-1)).toBe(expected);
  });

  it("claude: a shell in the background, which may never end, does not keep the turn running", () => {
    const { short } = observe("claude-code", [
      status(0, "state=idle"),
      status(500, "state=working"),
      status(600, "state=working:msg=MSBzaGVsbCBzdGlsbCBydW5uaW5n"),
    ]);
    expect(short.slice(-2)).toEqual(["500 working status exact", "600 turn_ended status exact"]);
  });

  it("codex: start-up work is not a turn, and a turn ends with done", () => {
    const { short } = observe("codex", [
      status(653, "state=idle:app=codex"),
      status(727, "state=working:app=codex"),
      status(851, "state=idle:app=codex"),
      status(2_215, "state=working:app=codex"),
      status(2_372, "state=done:app=codex"),
      status(3_185, "state=idle:app=codex"),
    ]);
    expect(short).toEqual(["1251 ready status exact", "2215 working status exact", "2372 turn_ended status exact"]);
  });

  it("claude: asks, gets an answer, and waits at a permission prompt in the middle of a turn", () => {
    const { short, replies, said } = observe("claude-code", [
      output(652, "\u001b]7501;?\u001b\\"),
      status(737, "state=idle:app=claude-code"),
      status(3_022, "state=working:app=claude-code"),
      status(3_261, "state=working:app=claude-code:msg=eA=="),
      status(
        3_324,
        "state=blocked:app=claude-code:kind=permission:msg=YXBwcm92ZSBCYXNoOiB0b3VjaCAvdG1wL3p6MTsgc2xlZXAgMg==",
      ),
      status(5_501, "state=working:app=claude-code"),
      status(7_844, "state=done:app=claude-code"),
    ]);
    expect(replies).toEqual(["\u001b]7501;?\u001b\\"]);
    expect(short).toEqual([
      "937 ready status exact",
      "3022 working status exact",
      "3324 blocked permission status exact",
      "5501 unblocked status exact",
      "7844 turn_ended status exact",
    ]);
    expect(said.find(({ type }) => type === "blocked")).toMatchObject({
      what: "approve Bash: touch /tmp/zz1; sleep 2",
    });
  });

  it("claude: subagents are parts of a turn, and a failed call ends it", () => {
    const { short } = observe("claude-code", [
      status(858, "state=idle:app=claude-code"),
      status(2_931, "state=working:app=claude-code"),
      status(3_213, "state=working:app=claude-code:id=aab7:title=bW9jaw=="),
      status(7_601, "state=clear:id=aab7"),
      status(7_808, "state=done:app=claude-code"),
      status(10_978, "state=working:app=claude-code"),
      status(11_067, "state=error:app=claude-code:msg=QVBJIEVycm9yOiA0MDAgbW9jayBmYWlsdXJlIDQwMA=="),
    ]);
    expect(short).toEqual([
      "1058 ready status exact",
      "2931 working status exact",
      "7808 turn_ended status exact",
      "10978 working status exact",
      "11067 turn_ended status exact",
    ]);
  });

  it("a subagent that goes on after the turn is not a turn", () => {
    const { short } = observe("codex", [
      status(100, "state=idle"),
      status(1_000, "state=working"),
      status(2_000, "state=done"),
      status(2_500, "state=working:id=aab7"),
      status(3_000, "state=blocked:id=aab7"),
    ]);
    expect(short).toEqual(["500 ready status exact", "1000 working status exact", "2000 turn_ended status exact"]);
  });

  it("an error that waits for a person blocks", () => {
    const about = (text: string) => Buffer.from(text).toString("base64");
    const { short } = observe("claude-code", [
      status(100, "state=idle"),
      status(1_000, "state=working"),
      status(2_000, `state=error:msg=${about("Usage limit reached, resets at 5pm")}`),
      status(9_000, "state=idle"),
      status(10_000, "state=working"),
      status(11_000, `state=error:msg=${about("Please log in")}`),
    ]);
    expect(short.filter((line) => /blocked|turn/.test(line))).toEqual([
      "2000 blocked quota status exact",
      "9000 unblocked status exact",
      "9000 turn_ended status exact",
      "11000 blocked auth status exact",
    ]);
  });

  it("a prompt on the command line: work that goes on while starting is a turn", () => {
    const { short } = observe("codex", [status(600, "state=working"), status(5_000, "state=done")]);
    expect(short).toEqual(["2100 ready status exact", "600 working status exact", "5000 turn_ended status exact"]);
  });

  it("blocked before it was ever ready is a question of trust", () => {
    const { short } = observe("claude-code", [
      status(500, "state=blocked:app=claude-code"),
      status(4_000, "state=idle"),
    ]);
    expect(short).toEqual(["500 blocked trust status exact", "4000 unblocked status exact", "4200 ready status exact"]);
  });

  it("O3: a late hook does not undo what the status said since", () => {
    const { short } = observe("claude-code", [
      status(100, "state=idle"),
      status(1_000, "state=working"),
      status(1_100, "state=done"),
      { type: "signal", signal: { type: "turn_started" }, at: 1_150 },
    ]);
    expect(short).toEqual(["300 ready status exact", "1000 working status exact", "1100 turn_ended status exact"]);
  });
});

describe("hooks and titles", () => {
  it("hooks tell the state where there is no status", () => {
    const signal = (at: number, type: "ready" | "turn_started" | "turn_ended"): ObserverInput => ({
      type: "signal",
      signal: { type },
      source: "opencode-plugin",
      at,
    });
    const { short } = observe("opencode", [
      output(100, "…"),
      signal(1_000, "ready"),
      signal(2_000, "turn_started"),
      { type: "signal", signal: { type: "blocked", kind: "permission", what: "bash" }, at: 3_000 },
      signal(4_000, "turn_started"),
      signal(5_000, "turn_ended"),
    ]);
    expect(short).toEqual([
      "1000 ready opencode-plugin exact",
      "2000 working opencode-plugin exact",
      "3000 blocked permission hook exact",
      "4000 unblocked opencode-plugin exact",
      "5000 turn_ended opencode-plugin exact",
    ]);
  });

  it("gemini: ready on title and composer; its trust dialog blocks although the title says Ready", () => {
    const composer = " >   Type your message or @path/to/file";
    expect(observe("gemini-cli", [output(900, composer), title(970, "◇  Ready (x)   ")], 60_000).short).toEqual([
      "15970 ready title exact",
    ]);
    const dialog = " │ Do you trust the files in this folder? │";
    const { short } = observe("gemini-cli", [
      output(900, composer),
      title(970, "◇  Ready (x)   "),
      output(1_200, dialog),
      output(30_000, composer),
      title(51_000, "✦  Working… (x)   "),
      title(52_000, "✋  Action Required (x)   "),
      title(53_000, "✦  Working… (x)   "),
      title(54_000, "◇  Ready (x)   "),
    ]);
    expect(short).toEqual([
      "1200 blocked trust screen inferred",
      "30000 unblocked screen inferred",
      "45000 ready title exact",
      "51000 working title exact",
      "52000 blocked unknown title exact",
      "53000 unblocked title exact",
      "54000 turn_ended title exact",
    ]);
  });

  it("gemini: a dialog that comes up after it seemed ready still blocks", () => {
    const { short } = observe("gemini-cli", [
      output(900, "Type your message"),
      title(970, "◇  Ready (x)   "),
      output(24_000, "Do you trust the files in this folder?"),
      output(29_000, "Type your message"),
      { type: "submitted", text: "Do you trust the files in this folder?", at: 30_000 },
      output(30_100, "> Do you trust the files in this folder?"),
    ]);
    expect(short).toEqual([
      "15970 ready title exact",
      "24000 blocked trust screen inferred",
      "29000 unblocked screen inferred",
    ]);
  });

  it("gemini: an exact title goes on where hooks are silent, and a hook says first what a dialog asks", () => {
    const hookSaid = (at: number, signal: AgentSignal): ObserverInput => ({ type: "signal", signal, at });
    const { short } = observe("gemini-cli", [
      hookSaid(5_000, { type: "ready" }),
      hookSaid(6_000, { type: "turn_started" }),
      title(6_010, "✦  Working… (x)   "),
      hookSaid(7_000, { type: "blocked", kind: "permission", what: "run x" }),
      title(7_300, "✋  Action Required (x)   "),
      title(9_000, "✦  Working… (x)   "),
      title(9_500, "⏲  Working… (x)   "),
      title(10_000, "✋  Action Required (x)   "),
      // Refused: the turn ends without a hook.
      title(12_000, "◇  Ready (x)   "),
    ]);
    expect(short).toEqual([
      "5000 ready hook exact",
      "6000 working hook exact",
      "7000 blocked permission hook exact",
      "9000 unblocked title exact",
      "10000 blocked unknown title exact",
      "12000 unblocked title exact",
      "12000 turn_ended title exact",
    ]);
  });

  it("gemini: why a turn failed outlives the signs of its end, until it works again", () => {
    const hookSaid = (at: number, signal: AgentSignal): ObserverInput => ({ type: "signal", signal, at });
    const { short } = observe("gemini-cli", [
      hookSaid(5_000, { type: "ready" }),
      hookSaid(6_000, { type: "turn_started" }),
      hookSaid(7_000, { type: "turn_ended" }),
      hookSaid(7_000, { type: "blocked", kind: "auth", what: "401" }),
      hookSaid(7_100, { type: "turn_ended" }),
      title(7_200, "◇  Ready (x)   "),
      title(9_000, "✦  Working… (x)   "),
    ]);
    expect(short).toEqual([
      "5000 ready hook exact",
      "6000 working hook exact",
      "7000 turn_ended hook exact",
      "7000 blocked auth hook exact",
      "9000 unblocked title exact",
      "9000 working title exact",
    ]);
  });

  it("gemini: a title alone, without a composer, is not ready", () => {
    expect(observe("gemini-cli", [title(900, "◇  Ready (x)   ")], 60_000).short).toEqual([]);
  });

  it("an old claude that reports no status is judged by its titles, after a while", () => {
    const { short } = observe("claude-code", [
      title(423, "✳ Claude Code"),
      title(8_000, "⠂ Claude Code"),
      title(9_000, "✳ Claude Code"),
    ]);
    expect(short).toEqual([
      "5200 ready title inferred",
      "8000 working title inferred",
      "9000 turn_ended title inferred",
    ]);
  });

  it("codex tells its context budget in its title", () => {
    const { short } = observe("codex", [
      title(600, "Ready | Context 100% left"),
      status(653, "state=idle"),
      title(3_000, "Working | Context 78% left"),
      title(4_000, "Working | Context 78% left"),
      title(5_000, "Ready | Context 9% left"),
    ]);
    expect(short).toEqual([
      "900 context 100 title exact",
      "1053 ready status exact",
      "3300 context 78 title exact",
      "5300 context 9 title exact",
    ]);
  });
});

describe("a composer that turns bracketed paste on, and questions on the screen", () => {
  const mode = (at: number, on: boolean) => output(at, `\u001b[?2004${on ? "h" : "l"}`);
  const question = "\u001b[36m◆\u001b[0m  Goose would like to call the above tool, do you allow?\r\n";
  const states = (inputs: readonly ObserverInput[]) =>
    observe("goose", inputs).short.filter((line) => !line.includes("bracketed_paste"));

  it("goose is idle exactly while its composer is there, however long it is silent", () => {
    expect(states([mode(500, true), mode(5_000, false), output(6_000, "words\r\n"), mode(90_000, true)])).toEqual([
      "600 ready paste_mode exact",
      "5000 working paste_mode exact",
      "90000 turn_ended paste_mode exact",
    ]);
  });

  it("a question in its turn blocks it until it is drawn as answered, however the output is cut", () => {
    const story = `${question}${question}\u001b[32m◇\u001b[0m  Goose would like to call the above tool, do you allow?`;
    for (let cut = 0; cut <= story.length; cut += 1) {
      const said = states([
        mode(0, true),
        mode(1_000, false),
        output(2_000, story.slice(0, cut)),
        output(2_000, story.slice(cut)),
        mode(3_000, true),
      ]).slice(2);
      // Cut before its end, the question is seen before its answer.
      expect(said.slice(-1)).toEqual(["3000 turn_ended paste_mode exact"]);
      expect([[], ["2000 blocked permission screen inferred", "2000 unblocked screen inferred"]]).toContainEqual(
        said.slice(0, -1),
      );
    }
    expect(states([mode(0, true), mode(1_000, false), output(2_000, question), mode(3_000, true)]).slice(2)).toEqual([
      "2000 blocked permission screen inferred",
      "3000 unblocked paste_mode exact",
      "3000 turn_ended paste_mode exact",
    ]);
  });

  it("what is drawn while it is idle asks nothing", () => {
    expect(states([mode(0, true), output(2_000, question)])).toEqual(["100 ready paste_mode exact"]);
  });
});

describe("silence", () => {
  it("a program without signals is ready after its first output and 300 ms of silence", () => {
    expect(observe("generic", [output(100, "hello"), output(300, "> ")]).short).toEqual(["600 ready silence inferred"]);
  });

  it("… or after two seconds, whatever it does", () => {
    expect(observe("generic", [], 5_000).short).toEqual(["2000 ready silence inferred"]);
    const chatty = Array.from({ length: 40 }, (_, index) => output(index * 100, "x"));
    expect(observe("generic", chatty).short).toEqual(["2000 ready silence inferred"]);
  });

  it("O2: ten minutes of a spinner are not work", () => {
    const spinner = Array.from({ length: 6_000 }, (_, index) =>
      output(3_000 + index * 100, `\r\u001b[2K${"⠋⠙⠹⠸"[index % 4] ?? ""} thinking`),
    );
    const { short, state } = observe("generic", spinner);
    expect(short).toEqual(["2000 ready silence inferred"]);
    expect(state.phase).toBe("idle");
  });

  it("a submitted turn ends when the program falls silent, at the time of its last output", () => {
    const { short } = observe("generic", [
      output(100, "> "),
      { type: "submitted", text: "hello", at: 1_000 },
      output(1_500, "thinking"),
      output(3_000, "done"),
    ]);
    expect(short).toEqual([
      "400 ready silence inferred",
      "1000 working submitted inferred",
      "3000 turn_ended silence inferred",
    ]);
  });

  it("what is submitted decides nothing where the program reports by itself", () => {
    const { short } = observe(
      "codex",
      [status(100, "state=idle"), { type: "submitted", text: "hello", at: 1_000 }],
      60_000,
    );
    expect(short).toEqual(["500 ready status exact"]);
  });
});

describe("context after a compaction", () => {
  const told = (pctLeft: number, at: number): ObserverInput => ({
    type: "signal",
    signal: { type: "context", pctLeft },
    source: "status-line",
    at,
  });
  const compacted = (at: number): ObserverInput => ({
    type: "signal",
    signal: { type: "compacted" },
    source: "hook",
    at,
  });
  const lines = (id: HarnessId, inputs: readonly ObserverInput[]): readonly string[] =>
    observe(id, inputs).short.filter((line) => line.includes("context") || line.includes("compacted"));

  it("the same figure is told again, once, when a turn after it reports it", () => {
    const turn = (at: number): readonly ObserverInput[] => [status(at, "state=working"), status(at + 10, "state=idle")];
    const said = lines("claude-code", [
      status(0, "state=idle"),
      ...turn(500),
      told(17, 520),
      told(17, 530),
      status(600, "state=working"),
      compacted(610),
      // The figure of before, late.
      told(17, 620),
      status(630, "state=idle"),
      ...turn(700),
      told(17, 720),
      told(17, 730),
    ]);
    expect(said).toEqual([
      "520 context 17 status-line exact",
      "610 compacted hook exact",
      "720 context 17 status-line exact",
    ]);
  });

  it("a title that still shows the old figure is no report", () => {
    const shown = lines("codex", [
      status(0, "state=idle"),
      title(1, "Ready | Context 17% left"),
      compacted(2_000),
      title(2_100, "Working | Context 17% left"),
      status(2_200, "state=working"),
      title(3_500, "Ready | Context 17% left"),
      status(3_600, "state=idle"),
    ]);
    expect(shown).toEqual(["301 context 17 title exact", "2000 compacted hook exact"]);
  });

  it("a figure that comes back for a moment while it compacts is not told", () => {
    const shown = lines("codex", [
      title(1, "Ready | Context 18% left"),
      title(1_000, "Working | Context 100% left"),
      title(1_140, "Working | Context 18% left"),
      title(1_141, "Working | Context 100% left"),
    ]);
    expect(shown).toEqual(["301 context 18 title exact", "1441 context 100 title exact"]);
  });
});

describe("tool servers that start", () => {
  const states = (...inputs: readonly ObserverInput[]): readonly string[] =>
    observe("codex", inputs).short.filter((line) => line.includes("status"));

  it("codex: they are no turn, though it is ready already and says that it works", () => {
    const shown = states(
      status(0, "state=idle"),
      title(1_000, "Starting | x"),
      status(1_001, "state=working"),
      title(1_050, "Ready | x"),
      status(1_060, "state=idle"),
      status(2_000, "state=working"),
    );
    expect(shown).toEqual(["400 ready status exact", "2000 working status exact"]);
  });

  it("codex: it is not ready while they start, however long that takes", () => {
    const shown = states(
      status(0, "state=idle"),
      title(100, "Starting | x"),
      status(101, "state=working"),
      title(9_000, "Ready | x"),
      status(9_001, "state=idle"),
    );
    expect(shown).toEqual(["9401 ready status exact"]);
  });

  it("codex: a turn that begins in the same breath is found by the title that follows", () => {
    const shown = states(
      status(0, "state=idle"),
      title(1_000, "Starting | x"),
      status(1_001, "state=working"),
      title(1_050, "Working | x"),
      status(5_000, "state=done"),
    );
    expect(shown).toEqual(["400 ready status exact", "1050 working status exact", "5000 turn_ended status exact"]);
  });
});

describe("a turn that the status leaves out", () => {
  const told = (at: number, type: "turn_started" | "turn_ended", source: string): ObserverInput => ({
    type: "signal",
    signal: { type },
    source,
    at,
  });
  const started = (at: number): ObserverInput => told(at, "turn_started", "hook:UserPromptSubmit");
  const ended = (at: number): ObserverInput => told(at, "turn_ended", "hook:Stop");
  const turns = (...inputs: readonly ObserverInput[]): readonly string[] =>
    observe("codex", [status(0, "state=idle"), ...inputs]).short.filter((line) => /working|turn_ended/u.test(line));

  it("codex: it is told when hooks have told it whole, a while after its end", () => {
    const servers = [title(900, "Starting | x"), status(901, "state=working"), status(1_300, "state=idle")];
    expect(turns(...servers, started(1_200), ended(1_290))).toEqual([
      "1200 working hook:UserPromptSubmit exact",
      "1290 turn_ended hook:Stop exact",
    ]);
  });

  it("codex: one that the status shows late is told once, as the status shows it", () => {
    const shown = turns(started(1_000), ended(1_100), status(2_900, "state=working"), status(3_000, "state=done"));
    expect(shown).toEqual(["2900 working status exact", "3000 turn_ended status exact"]);
  });

  it("codex: one that the status shows, before its hooks or after them, is told once", () => {
    const first = [status(1_000, "state=working"), started(1_100), ended(1_200), status(1_300, "state=done")];
    const second = [started(5_000), status(5_100, "state=working"), status(5_200, "state=done"), ended(5_300)];
    expect(turns(...first, ...second)).toEqual([
      "1000 working status exact",
      "1300 turn_ended status exact",
      "5100 working status exact",
      "5200 turn_ended status exact",
    ]);
  });

  it("codex: an end without a beginning, and a beginning without an end, tell nothing", () => {
    expect(turns(ended(1_000), started(2_000))).toEqual([]);
  });

  it("codex: the next turn ends the wait for the one before", () => {
    const shown = turns(started(1_000), ended(1_100), started(2_000), status(2_100, "state=working"));
    expect(shown).toEqual(["2100 working status exact"]);
  });
});

describe("context on the screen", () => {
  const read = (data: string, id: HarnessId = "generic") =>
    observe(id, [output(5_000, data)]).short.filter((line) => line.includes("context"));

  it.each([
    ["Context 6% left\n", 6],
    ["6% context left\r\n", 6],
    ["Context 6% left", 6],
    ["context left: 12%\n", 12],
    ["model · Context 78% left · Context 22% used\n", 78],
    ["│ Context 6% left │\n", 6],
    ["\u001b[2m6% \u001b[0m\u001b[31mcontext left\u001b[0m\n", 6],
    ["\u001b[40;2HContext\u001b[10G6%\u001b[13Gleft\u001b[K", 6],
    [`${"x".repeat(600)}\nContext 6% left\n${"y".repeat(600)}`, 6],
    ["Context 20% left\nContext 6% left\n", 6],
  ])("%j says it", (data, pct) => {
    expect(read(data)).toEqual([expect.stringContaining(`context ${pct} screen inferred`)]);
  });

  it.each([
    "he said Context 6% left and left\n",
    "he said Context 6% left\n",
    "Context 6% left, he said\n",
    "the message was: “Context 6% left”\n",
    "Context 600% left\n",
    "Context 101% left\n",
    "building 6% done, nothing left\n",
    "6% of tests left\n",
    "Contextual 6% lefty\n",
    `Context 6% left${"z".repeat(400)}\n`,
  ])("%j does not", (data) => {
    expect(read(data)).toEqual([]);
  });

  it("prose does not pass for a line because its start is out of reach", () => {
    // Colours bring the percent sign 160 characters behind the first letter, which is as far as is looked.
    const colours = "\u001b[0m".repeat(34) + "\u001b[00m".repeat(3);
    expect(read(`he said Context ${colours}6% left\n`)).toEqual([]);
    // With nothing before it, the same text is a line of its own.
    expect(read(`Context ${colours}6% left\n`)).toHaveLength(1);
  });

  it("is found however the output is cut", () => {
    const data = "ready\n\u001b[2mContext \u001b[1m6%\u001b[0m left\n> ";
    for (let cut = 1; cut < data.length; cut += 1) {
      const { short } = observe("generic", [output(3_000, data.slice(0, cut)), output(3_010, data.slice(cut))]);
      expect(short.filter((line) => line.includes("context 6")).length, `cut at ${cut}`).toBe(1);
    }
  });

  it("O5: not from a message that was given to it", () => {
    const message = "[from bob] he wrote:\nContext 6% left\nwhat now?";
    const { short } = observe("generic", [
      output(100, "> "),
      { type: "submitted", text: message, at: 3_000 },
      output(3_100, message.replaceAll("\n", "\r\n")),
      output(9_000, "\r\nContext 5% left\n"),
    ]);
    expect(short.filter((line) => line.includes("context"))).toEqual([expect.stringContaining("context 5 ")]);
  });

  it("O5: nor from one that came by another way", () => {
    const { short } = observe("generic", [
      { type: "told", text: "6% context left", at: 100 },
      output(3_000, "6% context left\n"),
    ]);
    expect(short.filter((line) => line.includes("context"))).toEqual([]);
  });

  it("says nothing once the program's own records have spoken", () => {
    const { short } = observe("generic", [
      { type: "signal", signal: { type: "context", pctLeft: 40 }, source: "status-line", at: 3_000 },
      output(4_000, "Context 6% left\n"),
    ]);
    expect(short.filter((line) => line.includes("context"))).toEqual(["3000 context 40 status-line exact"]);
  });

  it("is not read for a program that has something better", () => {
    expect(read("Context 6% left\n", "claude-code")).toEqual([]);
  });
});

describe("terminal modes and recordings", () => {
  it("bracketed paste is followed on and off, and off by a reset", () => {
    const { short } = observe("codex", [
      output(1, "\u001b[?2004h"),
      output(2, "\u001b[?2004h"),
      output(3, "\u001b[?1049;2004l"),
      output(4, "\u001b[?20"),
      output(5, "04h"),
      output(6, "\u001bc"),
      output(7, "\u001b[?2005h\u001b[2004h"),
    ]);
    expect(short).toEqual([
      "1 bracketed_paste on terminal exact",
      "3 bracketed_paste off terminal exact",
      "5 bracketed_paste on terminal exact",
      "6 bracketed_paste off terminal exact",
    ]);
  });

  it("a program that runs already is not started again", () => {
    const observer = createObserver(harnesses.codex);
    const state = observer.initial(0, { phase: "working", bracketedPaste: true });
    const step = observer.step(state, status(10, "state=done"));
    expect(step.observations.filter(({ type }) => type !== "activity").map(shorten)).toEqual([
      "10 turn_ended status exact",
    ]);
    expect(step.state.bracketedPaste).toBe(true);
  });

  const recording = (name: string) => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));

  it.each([
    ["codex/approval.ansi", "codex", ["ready", "blocked permission"]],
    ["claude-code/permission-status.ansi", "claude-code", ["ready", "blocked permission", "unblocked", "turn_ended"]],
    ["claude-code/trust-dialog.ansi", "claude-code", ["blocked trust screen inferred"]],
    ["claude-code/bypass-dialog.ansi", "claude-code", ["blocked question screen inferred"]],
    ["codex/sign-in.ansi", "codex", ["blocked auth screen inferred"]],
    ["codex/hooks-review.ansi", "codex", ["blocked question screen inferred"]],
    ["gemini-cli/trust-dialog.ansi", "gemini-cli", ["blocked trust screen inferred"]],
    ["gemini-cli/choose-auth.ansi", "gemini-cli", ["blocked auth screen inferred"]],
  ] as const)("%s, a byte at a time or more, tells the same", (name, id, expected) => {
    const bytes = recording(name);
    for (const size of [1, 7, 256]) {
      const inputs: ObserverInput[] = [];
      for (let at = 0; at < bytes.length; at += size)
        inputs.push(output(Math.floor((at / bytes.length) * 60_000), new Uint8Array(bytes.subarray(at, at + size))));
      const { short } = observe(id, inputs);
      for (const words of expected) {
        expect(
          short.some((line) => line.includes(words)),
          `${name} by ${size}: ${words} in\n${short.join("\n")}`,
        ).toBe(true);
      }
    }
  });
});

describe("properties of observation", () => {
  const noise = fc.oneof(
    fc.string({ unit: anyCharacter, maxLength: 60 }),
    fc.constantFrom(
      "\u001b",
      "\u001b]",
      "\u001b]7501;",
      "\u001b[?",
      "2004h",
      "\u001b\\",
      "\u0007",
      "state=",
      "working",
      "idle",
      ":",
      "%",
      "Context ",
      " left",
      "\u001bP",
      "\u001b]0;✳ x\u0007",
      "\u001b]7501;state=nonsense\u0007",
      "\u001b]7501;state=working:id=x\u0007",
    ),
    fc.uint8Array({ maxLength: 60 }),
  );

  it("O2: noise never makes a program that reports its status ready, working or blocked", () => {
    const reports = /\u001b\]7501;state=(?:idle|working|done|blocked|error)[:\u0007\u001b]/;
    fc.assert(
      fc.property(fc.array(noise, { maxLength: 30 }), (chunks) => {
        const all = chunks
          .map((chunk) => (typeof chunk === "string" ? Buffer.from(chunk) : Buffer.from(chunk)).toString("latin1"))
          .join("");
        fc.pre(!reports.test(all) && !/trust|bypass|api key|login/i.test(all));
        const { short } = observe(
          "codex",
          chunks.map((chunk, index) => output(index * 1_000, chunk)),
          300_000,
        );
        expect(short.filter((line) => !line.includes("bracketed_paste") && !line.includes("context"))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it("O6: state stays small, whatever comes and however it is cut", () => {
    const observer = createObserver(harnesses.codex);
    fc.assert(
      fc.property(fc.array(noise, { maxLength: 20 }), fc.integer({ min: 1, max: 400 }), (chunks, times) => {
        let state: ObserverState = observer.initial(0);
        for (let round = 0; round < times; round += 1) {
          for (const chunk of chunks) state = observer.step(state, output(round, chunk)).state;
        }
        expect(state.carry.length + state.tail.length).toBeLessThan(10_000);
        expect(JSON.stringify(state).length).toBeLessThan(60_000);
      }),
      { numRuns: 50 },
    );
    for (const opened of ["\u001b]0;", "\u001b[", "\u001bP", "\u001b"]) {
      let state = observer.step(observer.initial(0), output(0, opened)).state;
      for (let round = 0; round < 100; round += 1) state = observer.step(state, output(round, "1".repeat(5_000))).state;
      expect(state.carry.length, JSON.stringify(opened)).toBeLessThan(10_000);
    }
  });

  it("O6: an endless sequence does not hide the report after it", () => {
    const { short } = observe("codex", [
      output(1, `\u001b]52;c;${"A".repeat(200_000)}`),
      status(2, "state=idle"),
      status(1_000, "state=working"),
    ]);
    expect(short).toEqual(["402 ready status exact", "1000 working status exact"]);
  });

  it("a flood of ordinary output costs little", () => {
    const line = "\u001b[32mThe quick brown fox\u001b[0m jumps over 100% of the lazy dogs, again and again.\r\n";
    const chunk = new Uint8Array(Buffer.from(line.repeat(Math.ceil(65_536 / line.length))));
    const observer = createObserver(harnesses.generic);
    let state = observer.initial(0);
    const start = performance.now();
    for (let round = 0; round < 64; round += 1) state = observer.step(state, output(round, chunk)).state;
    // Measured at 2 to 7 ns a byte on an idle machine; the bound only tells a search in every byte from one in every sequence.
    expect(((performance.now() - start) * 1e6) / (64 * chunk.length)).toBeLessThan(200);
  });

  it("a report is found however it is cut", () => {
    const whole =
      "text\u001b[31m\u001b]0;t\u0007\u001b]7501;state=idle:app=codex\u001b\\more\u001b]7501;state=working\u0007";
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: whole.length }), { maxLength: 8 }), (cuts) => {
        const points = [0, ...cuts.toSorted((one, other) => one - other), whole.length];
        const inputs = points.slice(1).map((point, index) => output(index, whole.slice(points[index], point)));
        expect(observe("scripted", inputs).said.map(({ type }) => type)).toEqual(["ready", "working"]);
      }),
    );
  });

  it("O1: the same story twice is told the same", () => {
    fc.assert(
      fc.property(fc.array(noise, { maxLength: 20 }), (chunks) => {
        const inputs = chunks.map((chunk, index) => output(index * 50, chunk));
        expect(observe("generic", inputs)).toEqual(observe("generic", inputs));
      }),
      { numRuns: 100 },
    );
  });
});

describe("answers", () => {
  const signal = (at: number, it: AgentSignal, source = "hook"): ObserverInput => ({
    type: "signal",
    signal: it,
    source,
    at,
  });
  const words = (id: HarnessId, ...inputs: readonly ObserverInput[]) =>
    observe(id, inputs).said.flatMap((it) =>
      it.type === "said" ? [`${it.text} by ${it.source}`] : it.type === "turn_ended" ? ["turn_ended"] : [],
    );

  it("O8: an answer is told whatever tells the state, and before the end of the turn in the same report", () => {
    const stop = [
      signal(9_030, { type: "said", text: "done" }, "hook:Stop"),
      signal(9_030, { type: "turn_ended" }, "hook:Stop"),
    ];
    const ofStatus = [status(5, "state=idle"), status(9_010, "state=working"), ...stop, status(9_040, "state=done")];
    expect(words("claude-code", ...ofStatus)).toEqual(["done by hook:Stop", "turn_ended"]);
    const ofHooks = [signal(5, { type: "ready" }), signal(9_010, { type: "turn_started" }), ...stop];
    expect(words("generic", ...ofHooks)).toEqual(["done by hook:Stop", "turn_ended"]);
  });

  it("O8: where the record tells every message, the newest is the answer once a report has ended the turn", () => {
    const begins = (at: number) => signal(at, { type: "turn_started" }, "hook:BeforeAgent");
    const ends = (at: number, source = "hook:AfterAgent") => signal(at, { type: "turn_ended" }, source);
    const says = (at: number, text: string) => signal(at, { type: "said", text }, "record");
    expect(words("gemini-cli", begins(10), says(20, "I look."), says(30, "done"), ends(40), ends(50))).toEqual([
      "done by record",
      "turn_ended",
    ]);
    // A refusal and a failure end a turn in other words, and are followed by none of its own.
    expect(words("gemini-cli", begins(10), says(20, "I look."), ends(30, "record"), begins(40), ends(50))).toEqual([
      "turn_ended",
      "turn_ended",
    ]);
  });
});
