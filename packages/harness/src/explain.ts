/** What `harness list`, `harness show` and `harness explain` print, as data; and the table's page in the documentation. */
import { capabilitiesOf, capabilityNames, type Capability } from "./capabilities.ts";
import type { Harness } from "./harness.ts";
import { inferHarness, type Inference, type InferenceHint } from "./infer.ts";
import { harnessList, isHarnessId, harnesses } from "./table.ts";

export interface HarnessLine {
  readonly id: string;
  readonly title: string;
  readonly programs: readonly string[];
  readonly routes: readonly string[];
  readonly tools: string;
  readonly status: string;
  /** Versions that were run. */
  readonly tried: readonly string[];
}

export interface HarnessCard extends HarnessLine {
  readonly about: string;
  readonly provenance: string;
  readonly npmPackages: readonly string[];
  readonly pythonPackages: readonly string[];
  readonly appBundles: readonly string[];
  readonly permission: Readonly<Record<"ask" | "auto" | "bypass", string>>;
  readonly model: string;
  readonly nonInteractive: string;
  readonly resume: string;
  readonly leave: string;
  readonly interrupt: string;
  readonly submit: string;
  readonly boundary: string;
  readonly ready: string;
  readonly proofs: readonly { readonly route: string; readonly handedOver: string; readonly seen: string }[];
  readonly context: readonly string[];
  /** What can be known of it and done with it, and by which signal. */
  readonly capabilities: readonly Capability[];
  readonly dialogs: readonly { readonly kind: string; readonly what: string; readonly avoid: string }[];
  readonly environment: readonly string[];
  readonly notes: readonly string[];
}

export function explainCommand(command: string | readonly string[], hint: InferenceHint = {}): Inference {
  return inferHarness(command, hint);
}

export function listHarnesses(): readonly HarnessLine[] {
  return harnessList.map(line);
}

export function showHarness(id: string): HarnessCard | undefined {
  return isHarnessId(id) ? card(harnesses[id]) : undefined;
}

/** The page `docs/harness-table.md`. */
export function harnessTableMarkdown(): string {
  const rows = harnessList.map((row) => {
    const { id, title, programs, routes, tools, status, tried } = line(row);
    return `| \`${id}\` | ${title} | ${programs.map((program) => `\`${program}\``).join(", ") || "any"} | ${routes.join(", ") || "none"} | ${tools} | ${status} | ${tried.join(", ") || "none"} |`;
  });
  return [
    "# Agent programs",
    "",
    "What agent-relay knows of each agent program. Printed from the harness table; `agent-relay harness show <id>` has the details.",
    "",
    "| Id | Program | Recognised by | Routes | Relay tools | State comes from | Version that was run |",
    "|---|---|---|---|---|---|---|",
    ...rows,
    "",
    "## What each route can prove",
    "",
    "A delivery is *handed over* when the program's own intake took it, and *seen* only on proof from inside the program.",
    "",
    "| Program | Route | Handed over | Seen |",
    "|---|---|---|---|",
    ...harnessList.flatMap((row) =>
      card(row).proofs.map((proof) => `| \`${row.id}\` | ${proof.route} | ${proof.handedOver} | ${proof.seen} |`),
    ),
    "",
    "## What can be known, and by which signal",
    "",
    "Exact signals are the program's own words; what is inferred from titles, the screen or silence is marked `~`.",
    "",
    `| Program | ${capabilityNames.join(" | ")} |`,
    `|---|${capabilityNames.map(() => "---").join("|")}|`,
    ...harnessList
      .filter(({ versions }) => versions.tried.length > 0)
      .map((row) => `| \`${row.id}\` | ${capabilitiesOf(row).map(cell).join(" | ")} |`),
    "",
    "## Permission modes",
    "",
    "What is added to the command for each mode. Nothing is bypassed unless `bypass` is asked for.",
    "",
    "| Program | ask | auto | bypass |",
    "|---|---|---|---|",
    ...harnessList.map((row) => {
      const { ask, auto, bypass } = card(row).permission;
      return `| \`${row.id}\` | ${ask} | ${auto} | ${bypass} |`;
    }),
    "",
    "## First-run dialogs",
    "",
    "They wait for a person: the agent is `blocked`, and nothing is typed into it.",
    "",
    "| Program | Dialog | How to avoid it |",
    "|---|---|---|",
    ...harnessList.flatMap((row) =>
      row.dialogs.map((dialog) => `| \`${row.id}\` | ${dialog.what} (${dialog.kind}) | ${dialog.avoid} |`),
    ),
    "",
    "## Worth knowing",
    "",
    ...harnessList.flatMap((row) => row.notes.map((note) => `- **${row.title}**: ${note}`)),
    "",
  ].join("\n");
}

function line(row: Harness): HarnessLine {
  return {
    id: row.id,
    title: row.title,
    programs: row.recognition.programs,
    routes: row.routes.map((proof) => proof.route),
    tools: toolsOf(row),
    status: statusOf(row),
    tried: row.versions.tried,
  };
}

function card(row: Harness): HarnessCard {
  return {
    ...line(row),
    about: row.about,
    provenance: row.versions.note,
    npmPackages: row.recognition.npmPackages ?? [],
    pythonPackages: row.recognition.pythonPackages ?? [],
    appBundles: row.recognition.appBundles ?? [],
    permission: { ask: permissionOf(row, "ask"), auto: permissionOf(row, "auto"), bypass: permissionOf(row, "bypass") },
    model: row.model?.inject("MODEL").join(" ") ?? "not set by agent-relay",
    nonInteractive: row.nonInteractive ?? "none known",
    resume: row.resume?.("SESSION").join(" ") ?? "not resumable",
    leave: row.exitCommand === undefined ? "signal only" : keys(row.exitCommand),
    interrupt:
      row.interrupt === undefined
        ? "none known"
        : `${row.interrupt.keys.map(keys).join(" ")}, confirmed by ${row.interrupt.confirmedBy}`,
    submit: row.submit.pauseMs === 0 ? keys(row.submit.key) : `${row.submit.pauseMs} ms, then ${keys(row.submit.key)}`,
    boundary: row.boundary === "turn" ? "only when it is idle" : "at any time",
    ready: readyOf(row),
    proofs: row.routes.map((proof) => ({
      route: proof.route,
      handedOver: proof.handedOver,
      seen: proof.seen ?? "never proven",
    })),
    context: row.contextSources,
    capabilities: capabilitiesOf(row),
    dialogs: row.dialogs.map(({ kind, what, avoid }) => ({ kind, what, avoid })),
    environment: [
      ...Object.entries(row.set).map(([name, value]) => `${name}=${value}`),
      ...row.unset.map((name) => `${name} unset`),
    ],
    notes: row.notes,
  };
}

function toolsOf({ connection }: Harness): string {
  return connection.tools ?? `none: ${connection.noToolsBecause ?? "not known"}`;
}

function statusOf({ observation, connection }: Harness): string {
  const sources = [
    observation.statusProtocol ? "status reports (OSC 7501)" : "",
    connection.reports === undefined ? "" : "hooks",
    observation.titles === undefined ? "" : "titles",
    observation.turnQuietMs === undefined ? "" : "silence",
  ].filter((source) => source !== "");
  return sources.length === 0 ? "nothing" : sources.join(", ");
}

function permissionOf(row: Harness, mode: "ask" | "auto" | "bypass"): string {
  if (row.onlyMode !== undefined) return row.onlyMode === mode ? "what it always does" : "refused: it has no such mode";
  if (row.permissionsConfigured === true) return "its configuration, in the environment";
  const rule = row.permission[mode];
  const parts = [
    ...Object.entries(rule.env ?? {}).map(([name, value]) => `${name}=${value}`),
    ...(rule.flags.length === 0 ? [] : [rule.flags.join(" ")]),
  ];
  if (parts.length > 0) return parts.map((part) => `\`${part}\``).join(" ");
  return mode === "ask" ? "nothing" : "no option known; it asks";
}

function readyOf({ observation: { statusProtocol, titles, promptText, ready } }: Harness): string {
  const settled = ready.settleMs > 0 ? `, held for ${ready.settleMs} ms` : "";
  const known = [
    ...(statusProtocol ? [`status idle${settled}`] : []),
    ...(titles === undefined
      ? []
      : [`title idle${promptText === undefined ? "" : ` and “${promptText}” on the screen`}${settled}`]),
    ...(ready.quietMs === undefined
      ? []
      : [`${ready.quietMs} ms of silence after the first output, ${ready.atMostMs ?? 0} ms at most`]),
  ];
  return known.join("; or ");
}

function keys(text: string): string {
  return text.replaceAll("\r", "⏎").replaceAll("\u001b", "Esc").replaceAll("\u0004", "Ctrl-D");
}

function cell({ by, fidelity }: Capability): string {
  if (by === undefined) return "–";
  return `${fidelity === "inferred" ? "~ " : ""}${by}`;
}
