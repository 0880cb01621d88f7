import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findOrchestrator, resolveOwnActor, stampEnvironment, type ParentProcess } from "./attribution.ts";

const orchestrated = {
  PATH: "/bin",
  AGENT_RELAY_HARNESS: "claude-code",
  AGENT_RELAY_ORIGIN_ACTOR: "agent-relay-cli/agent/claude-code",
  AGENT_RELAY_TOKEN: "theirs",
};

describe("stamping a worker", () => {
  it.each([
    ["a terminal", { command: "codex --profile foo" }, "codex"],
    ["a command under launchers", { command: "env A=b npx -y @google/gemini-cli" }, "gemini-cli"],
    ["headless: the provider is the harness", { command: "", provider: "claude-code" }, "claude-code"],
    ["headless: the provider is a program's name", { command: "", provider: "claude" }, "claude-code"],
    ["an app server behind an unknown program", { command: "/opt/run-server", provider: "codex" }, "codex"],
    ["a wrapped command", { command: ["bash", "-lc", "claude --model haiku"] }, "claude-code"],
    ["the command before the provider", { command: "codex", provider: "claude" }, "codex"],
    ["the spawn's own word before the command", { command: "agent --force", harness: "cursor" }, "cursor"],
  ])("A1: %s", (_what, input, harness) => {
    const { env } = stampEnvironment({ inherited: orchestrated, spawnEnv: {}, ...input });
    expect(env["AGENT_RELAY_HARNESS"]).toBe(harness);
    expect(env["AGENT_RELAY_ORIGIN_ACTOR"]).toBe(`agent-relay-cli/agent/${harness}`);
  });

  it("A1: an unknown program is stamped with nothing and keeps the orchestrator", () => {
    const { env, harness, originActor } = stampEnvironment({
      inherited: { ...orchestrated, AGENT_RELAY_ORCHESTRATOR_HARNESS: "claude-code" },
      spawnEnv: {},
      command: "/usr/bin/zsh",
    });
    expect(env).toEqual({ PATH: "/bin", AGENT_RELAY_ORCHESTRATOR_HARNESS: "claude-code" });
    expect([harness, originActor]).toEqual([undefined, undefined]);
    expect(resolveOwnActor({ env, orchestrator: findOrchestrator({ env, parents: [] }).harness })).toBe(
      "agent-relay-cli/agent/claude-code",
    );
  });

  it("carries the model", () => {
    const { env } = stampEnvironment({ inherited: {}, spawnEnv: {}, command: "codex", model: "GPT-5.5" });
    expect(env["AGENT_RELAY_ORIGIN_ACTOR"]).toBe("agent-relay-cli/agent/codex@gpt-5.5");
  });

  it("A2: the spawn's own words win, the broker's never do", () => {
    const stamp = (spawnEnv: Record<string, string>) =>
      stampEnvironment({ inherited: orchestrated, spawnEnv, command: "codex", model: "gpt-5" }).env;
    expect(stamp({ AGENT_RELAY_HARNESS: "My-Tool" })).toMatchObject({
      AGENT_RELAY_HARNESS: "my-tool",
      AGENT_RELAY_ORIGIN_ACTOR: "agent-relay-cli/agent/my-tool@gpt-5",
    });
    expect(stamp({ AGENT_RELAY_ORIGIN_ACTOR: "app/agent/other@x" })).toMatchObject({
      AGENT_RELAY_HARNESS: "other",
      AGENT_RELAY_ORIGIN_ACTOR: "app/agent/other@x",
    });
    expect(stamp({ AGENT_RELAY_HARNESS: "a", AGENT_RELAY_ORIGIN_ACTOR: "app/agent/b" })).toMatchObject({
      AGENT_RELAY_HARNESS: "a",
      AGENT_RELAY_ORIGIN_ACTOR: "app/agent/b",
    });
    expect(stamp({})).toMatchObject({ AGENT_RELAY_HARNESS: "codex" });
  });

  it("A3: what is not of the grammar is dropped, and inference speaks", () => {
    const { env } = stampEnvironment({
      inherited: {},
      spawnEnv: { AGENT_RELAY_HARNESS: "ev\nil", AGENT_RELAY_ORIGIN_ACTOR: "no" },
      command: "codex",
    });
    expect(env).toEqual({ AGENT_RELAY_HARNESS: "codex", AGENT_RELAY_ORIGIN_ACTOR: "agent-relay-cli/agent/codex" });
    expect(
      stampEnvironment({ inherited: {}, spawnEnv: { AGENT_RELAY_HARNESS: "ev\nil" }, command: "zsh" }).env,
    ).toEqual({});
  });

  it("tells a worker who the orchestrator is, unless it inherits that or it is not known", () => {
    const stamp = (inherited: Record<string, string>, orchestrator: string) =>
      stampEnvironment({ inherited, spawnEnv: {}, command: "zsh", orchestrator }).env[
        "AGENT_RELAY_ORCHESTRATOR_HARNESS"
      ];
    expect(stamp({}, "claude-code")).toBe("claude-code");
    expect(stamp({ AGENT_RELAY_ORCHESTRATOR_HARNESS: "codex" }, "claude-code")).toBe("codex");
    expect(stamp({}, "unknown")).toBeUndefined();
  });

  it("A2, A3: whatever the broker inherits, only the orchestrator's variable of ours comes through", () => {
    const name = fc.oneof(
      fc.constantFrom(
        "AGENT_RELAY_HARNESS",
        "AGENT_RELAY_ORIGIN_ACTOR",
        "AGENT_RELAY_TOKEN",
        "AGENT_RELAY_AGENT",
        "AGENT_RELAY_X",
        "PATH",
      ),
      fc.stringMatching(/^[A-Z_]{1,12}$/),
    );
    fc.assert(
      fc.property(fc.dictionary(name, fc.string()), fc.constantFrom("codex", "zsh"), (inherited, command) => {
        const { env } = stampEnvironment({ inherited, spawnEnv: {}, command });
        const ours = Object.keys(env).filter(
          (key) => key.startsWith("AGENT_RELAY_") && key !== "AGENT_RELAY_ORCHESTRATOR_HARNESS",
        );
        expect(ours.sort()).toEqual(command === "codex" ? ["AGENT_RELAY_HARNESS", "AGENT_RELAY_ORIGIN_ACTOR"] : []);
        expect(env["AGENT_RELAY_HARNESS"]).toBe(command === "codex" ? "codex" : undefined);
      }),
    );
  });
});

describe("a client's own actor", () => {
  const env = { AGENT_RELAY_ORIGIN_ACTOR: "a/agent/two", AGENT_RELAY_HARNESS: "three" };
  it("is the explicit one, then the environment's actor, then its harness, then the orchestrator, then a person", () => {
    expect(resolveOwnActor({ explicit: "a/agent/one", env, orchestrator: "four" })).toBe("a/agent/one");
    expect(resolveOwnActor({ explicit: "not one", env, orchestrator: "four" })).toBe("a/agent/two");
    expect(resolveOwnActor({ env: { ...env, AGENT_RELAY_ORIGIN_ACTOR: "bad" }, orchestrator: "four" })).toBe(
      "agent-relay-cli/agent/three",
    );
    expect(resolveOwnActor({ env: {}, orchestrator: () => "four" })).toBe("agent-relay-cli/agent/four");
    expect(resolveOwnActor({ env: {}, orchestrator: "unknown" })).toBe("agent-relay-cli/cli");
    expect(resolveOwnActor({ env: {} })).toBe("agent-relay-cli/cli");
  });

  it("looks for the orchestrator only when nothing else is known", () => {
    const orchestrator = (): string => {
      throw new Error("looked");
    };
    expect(resolveOwnActor({ env, orchestrator })).toBe("a/agent/two");
  });
});

describe("the orchestrator", () => {
  const chain = (...commands: readonly string[]): readonly ParentProcess[] =>
    commands.map((command, index) => ({ pid: 100 - index, argv: command.split(" ") }));

  it("is what the environment says, in order", () => {
    const parents = chain("codex");
    expect(
      findOrchestrator({
        env: { AGENT_RELAY_ORCHESTRATOR_HARNESS: "A", RELAYCAST_HARNESS: "b", X_RELAYCAST_HARNESS: "c" },
        parents,
      }),
    ).toEqual({ harness: "a", source: "AGENT_RELAY_ORCHESTRATOR_HARNESS" });
    expect(
      findOrchestrator({
        env: { AGENT_RELAY_ORCHESTRATOR_HARNESS: "n/o", RELAYCAST_HARNESS: "b", X_RELAYCAST_HARNESS: "c" },
        parents,
      }).harness,
    ).toBe("b");
    expect(findOrchestrator({ env: { X_RELAYCAST_HARNESS: "c" }, parents }).harness).toBe("c");
  });

  it("is the nearest parent that is a known program, by its arguments", () => {
    const parents = chain("-zsh", "node /usr/bin/npm run x", "node /home/me/.npm/bin/claude --resume", "codex");
    expect(findOrchestrator({ env: {}, parents })).toEqual({ harness: "claude-code", source: "process 98" });
  });

  it("is unknown after eight parents, and when a parent comes twice", () => {
    const shells = Array<string>(8).fill("zsh");
    expect(findOrchestrator({ env: {}, parents: chain(...shells, "codex") }).harness).toBe("unknown");
    expect(findOrchestrator({ env: {}, parents: chain(...shells.slice(1), "codex") }).harness).toBe("codex");
    let looked = 0;
    const cycle = (function* (): Generator<ParentProcess> {
      for (;;) {
        looked += 1;
        yield { pid: looked % 2, argv: ["zsh"] };
      }
    })();
    expect(findOrchestrator({ env: {}, parents: cycle }).harness).toBe("unknown");
    expect(looked).toBe(3);
  });
});
