import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { joinCommand, shellWords } from "./command-line.ts";
import { inferHarness } from "./infer.ts";
import { harnessList } from "./table.ts";

const cases: readonly (readonly [string, string | undefined])[] = [
  ["claude", "claude-code"],
  ["/usr/local/bin/claude", "claude-code"],
  ["claude --model haiku", "claude-code"],
  ["claude --add-dir /tmp/x", "claude-code"],
  ["npx @anthropic-ai/claude-code -p hi", "claude-code"],
  ["node /opt/x/node_modules/@anthropic-ai/claude-code/cli.js", "claude-code"],
  ["codex --profile foo", "codex"],
  ["C:\\Users\\will\\AppData\\Roaming\\npm\\codex.cmd", "codex"],
  ['FOO=1 codex exec "do it"', "codex"],
  ['bash -lc "codex --model gpt-5"', "codex"],
  ["env -u X A=b nice -n 5 codex", "codex"],
  ["npx -y @openai/codex@latest", "codex"],
  ["/Applications/Cursor.app/Contents/MacOS/Cursor", "cursor"],
  ["cursor-agent -p x", "cursor"],
  ["gemini", "gemini-cli"],
  ["C:\\Users\\will\\AppData\\Roaming\\npm\\gemini.cmd", "gemini-cli"],
  ["npx @google/gemini-cli", "gemini-cli"],
  ["opencode run x", "opencode"],
  ["aider --message x", "aider"],
  ["goose run", "goose"],
  ["droid exec x", "droid"],
  ["amp", "amp"],
  ["copilot", "github-copilot"],
  ["grok", "grok"],
  ["/usr/bin/zsh", undefined],
  ["vim claude.md", undefined],
  ["cat codex", undefined],
  ["/srv/claude-code/bin/foo", undefined],
  ["echo claude", undefined],
  ["", undefined],
  ['"unterminated', undefined],
  ["/srv/claude-code/bin/codex", "codex"],
  ["/home/me/cursor-experiments/bin/claude", "claude-code"],
  // Parts of paths are not words.
  ["/home/me/organized/bin/foo", undefined],
  ["/srv/android/run", undefined],
  ["/opt/amplify/tool", undefined],
  // Launchers, each.
  ["env A=b -- codex", "codex"],
  ["env -S 'codex --x'", "codex"],
  ["sudo -u me -E FOO=1 codex", "codex"],
  ["doas -u me codex", "codex"],
  ["nice -10 codex", "codex"],
  ["nice --adjustment=5 codex", "codex"],
  ["nohup codex", "codex"],
  ["time -p codex", "codex"],
  ["/usr/bin/time -f %e -o file codex", "codex"],
  ["timeout -k 5 10m codex", "codex"],
  ["stdbuf -oL codex", "codex"],
  ["setsid -w codex", "codex"],
  ["exec -a other codex", "codex"],
  ["npx codex", "codex"],
  ["npx --package=@openai/codex codex-something", "codex"],
  ["npx -p @openai/codex -c 'codex exec'", "codex"],
  ["npx.cmd -y @openai/codex", "codex"],
  ["npm exec -- @openai/codex", "codex"],
  ["pnpm dlx @openai/codex@0.169.0", "codex"],
  ["pnpm --dir x exec codex", "codex"],
  ["yarn dlx -p @openai/codex codex", "codex"],
  ["bunx --bun @openai/codex", "codex"],
  ["bun x @openai/codex", "codex"],
  ["node --import x ./codex.js", "codex"],
  ["node /usr/local/bin/codex", "codex"],
  ["bun /x/node_modules/@openai/codex/bin/codex.js", "codex"],
  ["bun run codex.mjs", "codex"],
  ["deno run -A npm:@openai/codex", "codex"],
  ["deno run --allow-all ./codex.mjs", "codex"],
  ["node /x/node_modules/.pnpm/@openai+codex@1/node_modules/@openai/codex/bin/run.js", "codex"],
  ["/x/node_modules/@google/gemini-cli/dist/index.js", "gemini-cli"],
  ["python -m aider --x", "aider"],
  ["python3.11 -u /home/me/.local/bin/aider", "aider"],
  ["bash -c codex", "codex"],
  ["sh -lc 'cd /x && FOO=1 exec codex --y | tee log'", "codex"],
  ["zsh -o errexit -c -- codex", "codex"],
  ["bash /home/me/.asdf/shims/codex", "codex"],
  ["cmd /c codex", "codex"],
  ['cmd.exe /d /s /c "codex.cmd --x"', "codex"],
  ['cmd /c "C:\\Program Files\\x\\codex.cmd" --x', "codex"],
  ["powershell -NoProfile -Command \"& 'C:\\x\\codex.ps1' --y\"", "codex"],
  ["mise exec node@20 -- codex", "codex"],
  ["mise x -- codex", "codex"],
  ["asdf exec codex", "codex"],
  ["volta run --node 20 codex", "codex"],
  ["uvx --from aider-chat aider", "aider"],
  ["uvx aider-chat@latest", "aider"],
  ["uv tool run aider-chat==0.5", "aider"],
  ["pipx run aider-chat", "aider"],
  ["nice nohup env A=1 bash -lc 'npx -y @openai/codex'", "codex"],
  // Launchers that run nothing with a name.
  ["npx", undefined],
  ["node -e 'codex'", undefined],
  ["node", undefined],
  ["bash", undefined],
  ["bash -c 'echo codex'", undefined],
  ["python -c codex", undefined],
  ["sudo -l", undefined],
  ["npx cowsay codex", undefined],
  ["npx @other/codex", undefined],
  ["A=b", undefined],
  // Windows in several spellings.
  ["%APPDATA%\\npm\\codex.cmd --x", "codex"],
  [".\\node_modules\\.bin\\codex.cmd", "codex"],
  ['"C:\\Program Files\\nodejs\\node.exe" C:\\x\\node_modules\\@openai\\codex\\bin\\codex.js', "codex"],
  ["CODEX.EXE", "codex"],
  ["scripted-agent --x", "scripted"],
  ["node /x/testkit/scripted-agent.mjs", "scripted"],
  ["node scripted-inbox-agent.mjs", "scripted-inbox"],
];

describe("inference", () => {
  it.each(cases)("%s is %s", (command, harness) => {
    expect(inferHarness(command).harness).toBe(harness);
  });

  it("recognises every program of the table", () => {
    for (const row of harnessList) {
      for (const program of row.recognition.programs) expect(inferHarness([program]).harness).toBe(row.id);
      for (const name of row.recognition.npmPackages ?? [])
        expect(inferHarness(["npx", "-y", `${name}@latest`]).harness).toBe(row.id);
      for (const name of row.recognition.appBundles ?? []) {
        expect(inferHarness([`/Applications/${name}.app/Contents/MacOS/${name}`]).harness).toBe(row.id);
      }
    }
  });

  it("no word of the table recognises two rows", () => {
    const words = harnessList.flatMap(({ recognition }) => [
      ...recognition.programs.map((word) => `program ${word}`),
      ...(recognition.npmPackages ?? []).map((word) => `npm ${word}`),
      ...(recognition.pythonPackages ?? []).map((word) => `python ${word}`),
      ...(recognition.appBundles ?? []).map((word) => `bundle ${word}`),
    ]);
    expect(new Set(words).size).toBe(words.length);
  });

  it("takes the program `agent` for Cursor only when Cursor is expected", () => {
    expect(inferHarness("agent --force").harness).toBeUndefined();
    expect(inferHarness("agent --force", { expected: "codex" }).harness).toBeUndefined();
    expect(inferHarness("agent --force", { expected: "cursor" })).toMatchObject({
      harness: "cursor",
      confidence: "likely",
    });
  });

  it("explains itself", () => {
    expect(inferHarness('env -u X A=b nice -n 5 codex exec "do it"')).toEqual({
      harness: "codex",
      executable: "codex",
      argv: ["codex", "exec", "do it"],
      confidence: "certain",
      evidence: ["launcher env", "launcher nice", "program codex is codex"],
    });
  });

  it("I3: says nothing, and why, about an unknown program", () => {
    const inference = inferHarness("/usr/bin/zsh");
    expect(inference).not.toHaveProperty("harness");
    expect(inference).toMatchObject({ confidence: "none", executable: "/usr/bin/zsh" });
  });

  it("ends after many launchers", () => {
    expect(inferHarness([...Array<string>(100).fill("nice"), "codex"]).harness).toBeUndefined();
  });
});

const word = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom(
    "claude",
    "codex",
    "--model",
    "-c",
    "npx",
    "node",
    "bash",
    "-lc",
    "env",
    "&&",
    "|",
    "'",
    '"',
    "\\",
    "$X",
    "#",
    "*",
    "-",
    "--",
    "",
    "a=b",
    "C:\\x\\codex.cmd",
  ),
);
const program = fc.constantFrom(
  "claude",
  "codex",
  "gemini.cmd",
  "cursor-agent",
  "opencode",
  "aider",
  "amp",
  "vim",
  "less",
  "foo",
  "organized",
  "android",
);
const launcher = fc.constantFrom<readonly string[]>(
  [],
  ["env", "A=b"],
  ["nice", "-n", "5"],
  ["sudo", "-u", "me"],
  ["nohup"],
  ["timeout", "5"],
  ["exec"],
  ["time", "-p"],
);
const segment = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9._-]{1,10}$/),
  fc.constantFrom("claude-code", "cursor", "amp", "zed", "node_modules", "@openai", "codex", "a b"),
);

describe("properties of inference", () => {
  it("I4: never throws, for text or words", () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), fc.string(), (words, text) => {
        inferHarness(words);
        inferHarness(words.join(" "));
        inferHarness(text);
      }),
      { numRuns: 1_000 },
    );
  });

  it("I2: adding arguments never changes the answer", () => {
    fc.assert(
      fc.property(launcher, program, fc.array(word, { maxLength: 6 }), (launched, name, args) => {
        expect(inferHarness([...launched, name, ...args]).harness).toBe(inferHarness([...launched, name]).harness);
      }),
      { numRuns: 1_000 },
    );
  });

  it("I2: adding a path never changes the answer", () => {
    fc.assert(
      fc.property(
        launcher,
        program,
        fc.array(segment, { minLength: 1, maxLength: 5 }),
        fc.constantFrom("/", "\\"),
        (launched, name, path, slash) => {
          const prefixed = [...path, name].join(slash);
          expect(inferHarness([...launched, `${slash}${prefixed}`]).harness).toBe(inferHarness([name]).harness);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it("is the same for words and for their quoted text", () => {
    fc.assert(
      fc.property(launcher, program, fc.array(word, { maxLength: 6 }), (launched, name, args) => {
        const words = [...launched, name, ...args];
        const { harness } = inferHarness(words);
        expect(inferHarness(joinCommand(words)).harness).toBe(harness);
        expect(inferHarness(shellWords(words)).harness).toBe(harness);
      }),
      { numRuns: 1_000 },
    );
  });

  it("is the same inside a shell", () => {
    fc.assert(
      fc.property(program, fc.array(word, { maxLength: 4 }), (name, args) => {
        expect(inferHarness(["bash", "-lc", joinCommand([name, ...args])]).harness).toBe(inferHarness([name]).harness);
      }),
    );
  });
});
