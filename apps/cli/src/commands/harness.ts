import { command } from "../command-spec.ts";

export const harness = command({
  name: "harness",
  summary: "Show the agent programs that are known, and what is known of them.",
  examples: [
    { line: "agent-relay harness", means: "all of them" },
    { line: "agent-relay harness explain npx @openai/codex", means: "what a command line would be taken for, and why" },
  ],
  json: "{ harnesses: [{ id, title, programs, routes, tools, status, tried }] }",
  load: () => import("../actions/harness-list.ts"),
  subcommands: [
    command({
      name: "list",
      summary: "List the agent programs that are known.",
      examples: [{ line: "agent-relay harness list", means: "the same as `agent-relay harness`" }],
      json: "{ harnesses: [{ id, title, programs, routes, tools, status, tried }] }",
      load: () => import("../actions/harness-list.ts"),
    }),
    command({
      name: "show",
      summary:
        "Show what is known of one program: versions tried, what each route can prove, which states are told by what.",
      arguments: [{ syntax: "<id>", summary: "for example claude-code; see `harness list`" }],
      examples: [{ line: "agent-relay harness show codex", means: "routes, stages, hooks, permissions" }],
      json: "{ id, title, programs, tried, proofs: [{ route, handedOver, seen }], answers, headless, trust, permission, notes, … }",
      load: () => import("../actions/harness-show.ts"),
    }),
    command({
      name: "explain",
      summary: "Say which program a command line runs, and why.",
      takesAnyOption: true,
      arguments: [{ syntax: "<command...>", summary: "the command line, as one quoted string or several words" }],
      examples: [
        { line: 'agent-relay harness explain "codex --profile foo"', means: "codex" },
        { line: 'agent-relay harness explain bash -lc "codex --model gpt-5"', means: "codex, through a shell" },
      ],
      json: "{ harness, executable, argv, confidence, evidence }",
      load: () => import("../actions/harness-explain.ts"),
    }),
  ],
});
