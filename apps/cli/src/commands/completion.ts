import { command } from "../command-spec.ts";

export const completion = command({
  name: "completion",
  summary: "Print a completion script for your shell.",
  arguments: [{ syntax: "<shell>", summary: "which shell", choices: ["bash", "zsh", "fish"] }],
  examples: [
    { line: "source <(agent-relay completion bash)", means: "in ~/.bashrc" },
    { line: "agent-relay completion zsh > ~/.zfunc/_agent-relay", means: "with ~/.zfunc in fpath" },
    { line: "agent-relay completion fish > ~/.config/fish/completions/agent-relay.fish", means: "for fish" },
  ],
  json: "{ shell, script }",
  load: () => import("../actions/completion.ts"),
});
