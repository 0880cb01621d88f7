import { harnessById, isHarnessId, listHarnesses, showHarness, type HarnessCard } from "@agent-relay/harness";
import { relayError } from "@agent-relay/protocol";
import type { ActionResult, Context } from "../context.ts";
import { nearest } from "../nearest.ts";
import { renderTable } from "../rendering/table.ts";

export function run(context: Context, _options: object, id: string): ActionResult {
  const { output } = context;
  const card = showHarness(id);
  if (card === undefined) {
    const meant = nearest(
      id,
      listHarnesses().map((row) => row.id),
    );
    const hint = meant.length > 0 ? `did you mean ${meant.join(" or ")}?` : "agent-relay harness list shows the ids";
    return Promise.reject(relayError("invalid_request", `no harness has the id ${JSON.stringify(id)}`, { hint }));
  }
  const abilities = abilitiesOf(id);
  if (output.isJson) output.document({ ...card, ...abilities });
  else for (const line of describe(card, abilities, context)) output.line(line);
  return Promise.resolve(undefined);
}

/** What can be done with it beyond delivering mail. */
interface Abilities {
  /** The kinds of questions that `approve` and `deny` can answer at its terminal. */
  readonly answers: readonly string[];
  /** How `--headless` runs it. */
  readonly headless: "conversation" | "one-shot" | null;
  /** Whether `--trust` spares its question whether a directory may be trusted. */
  readonly trust: boolean;
}

function abilitiesOf(id: string): Abilities {
  const row = isHarnessId(id) ? harnessById(id) : undefined;
  return {
    answers: Object.keys(row?.answers ?? {}),
    headless: row?.headless?.kind ?? null,
    trust: row?.trust !== undefined,
  };
}

const headlessKinds = { conversation: "yes, turn after turn in one process", "one-shot": "yes, one turn and it ends" };

function describe(card: HarnessCard, abilities: Abilities, context: Context): string[] {
  const { colours, width } = context.output;
  const paintHeader = colours.dim;
  const tried = card.tried.length === 0 ? "none" : card.tried.join(", ");
  const facts: readonly (readonly [string, string])[] = [
    ["started as", [...card.programs, ...card.npmPackages, ...card.pythonPackages].join(", ")],
    ["tried", `${tried}. ${card.provenance}`],
    ["ask", plain(card.permission.ask)],
    ["auto", plain(card.permission.auto)],
    ["bypass", plain(card.permission.bypass)],
    ["model", card.model],
    ["tools (MCP)", plain(card.tools)],
    ["state from", card.status],
    ["ready on", card.ready],
    ["delivered", card.boundary],
    ["interrupt", card.interrupt],
    ["approve", abilities.answers.length === 0 ? "only at its own terminal" : `yes: ${abilities.answers.join(", ")}`],
    ["trust", abilities.trust ? "--trust answers it beforehand" : "not asked, or only at its own terminal"],
    ["headless", abilities.headless === null ? "no" : headlessKinds[abilities.headless]],
    ["resumes with", card.resume],
    ["context left", card.context.length === 0 ? "unknown" : card.context.join("; ")],
  ];
  const proofs = renderTable(
    [
      { header: "ROUTE", value: (it) => it.route },
      { header: "HANDED OVER WHEN", value: (it) => it.handedOver, shrinkTo: 12 },
      { header: "SEEN WHEN", value: (it) => it.seen, shrinkTo: 12 },
    ],
    card.proofs,
    { width: width(), paintHeader },
  );
  const dialogs = renderTable(
    [
      { header: "ASKS AT FIRST", value: (it) => it.what, shrinkTo: 12 },
      { header: "KIND", value: (it) => it.kind },
      { header: "HOW TO AVOID IT", value: (it) => it.avoid, shrinkTo: 16 },
    ],
    card.dialogs,
    { width: width(), paintHeader },
  );
  return [
    `${colours.bold(card.title)} ${colours.dim(card.id)}`,
    card.about,
    "",
    ...facts.filter(([, value]) => value !== "").map(([name, value]) => `${colours.dim(name.padEnd(12))} ${value}`),
    "",
    ...proofs,
    ...(card.dialogs.length === 0 ? [] : ["", ...dialogs]),
    ...(card.notes.length === 0 ? [] : ["", ...card.notes.map((note) => `• ${note}`)]),
  ];
}

/** The cards are written for a page of documentation. */
function plain(text: string): string {
  return text.replaceAll("`", "");
}
