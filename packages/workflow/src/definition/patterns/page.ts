import { patternNames } from "./names.ts";
import { patterns, type Order, type Pattern } from "./table.ts";

/** `docs/patterns.md`, whole. */
export function patternsPage(): string {
  const rows = patternNames.map((name) => {
    const pattern = patterns[name];
    return `| \`${name}\` | ${pattern.does} | ${talkText[pattern.talk]} | ${orderText(pattern.order)} | ${extras(pattern)} |`;
  });
  return `${intro}\n\n| Pattern | What it does | May write to each other | Order, where no step says \`dependsOn\` | And |\n|---|---|---|---|---|\n${rows.join("\n")}\n`;
}

const intro = `# Patterns

A pattern says how the agents of a workflow stand to each other. It sets who may write to whom, who is the hub, in which order
steps run that say nothing of it, and who hears the channel of the run. It is \`swarm.pattern\` of the document; without it the first
pattern that fits is taken, and \`agent-relay run --dry-run\` says which and why.

- Whoever works on one step together (specialist, owner, reviewer) may always write to each other. The broker refuses what goes to any other agent; channels, and people, can always be written to.
- Who owns a step and who reviews it is chosen by names and roles in the same way under every pattern, unless the step says it.
- An agent that is not interactive neither writes nor hears.
- As soon as one step of a workflow says \`dependsOn\`, all its steps run as they say and the pattern orders nothing.
- Words are looked for as whole words in names and roles: \`github\` does not contain \`hub\`.

This page is written from the table in \`src/definition/patterns/table.ts\`.`;

const talkText = {
  anybody: "everybody",
  nobody: "nobody",
  hub: "everybody with the hub",
  neighbours: "neighbours in the line",
  downstream: "each to those later in the line",
  ring: "neighbours in the ring",
  dependencies: "along dependencies",
  tree: "along the tree",
  across: "from stage to stage, not within one",
} as const;

function orderText(order: Order): string {
  if (typeof order === "object")
    return order.stages.map((stage) => (stage === "rest" ? "the others" : stage.join("/"))).join(", then ");
  return {
    none: "all at once",
    sequence: "as listed, one after the other",
    "hub-last": "all at once, the hub's last",
    "hub-around": "the hub's first ones, all others, the hub's last ones",
    tiers: "by tier",
  }[order];
}

function extras(pattern: Pattern): string {
  const said = [
    pattern.hub === undefined || pattern.hub.length === 0 ? undefined : `hub: ${[...new Set(pattern.hub)].join(", ")}`,
    pattern.hubElse === "first-agent" ? "or else the first agent" : undefined,
    pattern.channel === "hub" ? "only the hub is on the channel" : undefined,
    pattern.repair === undefined ? undefined : `mended by: ${pattern.repair.join(", ")}`,
    pattern.sharedState === true ? "shared directory" : undefined,
    pattern.votes === true ? "votes are counted" : undefined,
  ].filter((part) => part !== undefined);
  return said.join("; ");
}
