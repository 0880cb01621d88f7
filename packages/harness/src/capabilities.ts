/**
 * What can be known of each program and done with it, and by which signal: derived from its adapter.
 *
 *   B1  Nothing is claimed that the adapter's rules do not use.
 */
import type { Fidelity } from "@agent-relay/protocol";
import type { Harness } from "./harness.ts";

/** In the order of an agent's life. */
export const capabilityNames = [
  "ready",
  "working",
  "turn ended",
  "its answers",
  "blocked",
  "answered from outside",
  "interrupted",
  "message seen",
  "message steered in",
  "context left",
  "compacted",
  "tokens",
  "session known",
  "session resumed",
  "headless",
] as const;

export type CapabilityName = (typeof capabilityNames)[number];

export interface Capability {
  readonly name: CapabilityName;
  /** By which signal or means, the best first; absent where it cannot be known or done. */
  readonly by: string | undefined;
  /** Of the best; absent where it is something that is done. */
  readonly fidelity: Fidelity | undefined;
}

export function capabilitiesOf(row: Harness): readonly Capability[] {
  return capabilityNames.map((name) => ({ name, ...capability(row, name) }));
}

type Found = Pick<Capability, "by" | "fidelity">;

const unknown: Found = { by: undefined, fidelity: undefined };

function capability(row: Harness, name: CapabilityName): Found {
  const { observation, connection, headless } = row;
  const says = connection.says ?? {};
  const seen = [...new Set(row.routes.flatMap((route) => route.seen ?? []))];
  switch (name) {
    case "ready":
      return best([
        status(row),
        composer(row),
        title(row, "idle"),
        exact(says.ready),
        silence(observation.ready.quietMs),
      ]);
    case "working":
      return best([status(row), composer(row), title(row, "working"), exact(says.turns), silenceAfterPaste(row)]);
    case "turn ended":
      return best([
        status(row),
        composer(row),
        title(row, "idle"),
        exact(says.turns),
        silence(observation.turnQuietMs),
      ]);
    case "its answers":
      return best([exact(says.answers)]);
    case "blocked":
      return best([
        status(row),
        title(row, "blocked"),
        exact(says.blocked),
        observation.asks === undefined ? undefined : { by: "its questions on the screen", fidelity: "inferred" },
        row.dialogs.length === 0 ? undefined : { by: "first-run dialogs on the screen", fidelity: "inferred" },
      ]);
    case "answered from outside": {
      const kinds = Object.keys(row.answers ?? {});
      return done(kinds.length === 0 ? undefined : `keys for ${kinds.join(", ")}`);
    }
    case "interrupted":
      return done(row.interrupt === undefined ? undefined : `keys, confirmed by ${row.interrupt.confirmedBy}`);
    case "message seen":
      return best(seen.map((by) => ({ by, fidelity: "exact" as const })));
    case "message steered in":
      return done(
        headless?.steerable === true
          ? "headless: into the running turn"
          : connection.answerReport === undefined
            ? undefined
            : "context in the answer to a hook",
      );
    case "context left":
      return best(row.contextSources.map(source));
    case "compacted":
      return best([exact(says.compaction)]);
    case "tokens":
      return best([exact(says.tokens)]);
    case "session known":
      return best([row.sessionFlag === undefined ? undefined : exact("chosen before the start"), exact(says.session)]);
    case "session resumed":
      return done(row.resume === undefined ? undefined : `\`${row.resume("SESSION").join(" ")}\``);
    case "headless":
      return done(headless?.kind);
  }
}

type Way = { readonly by: string; readonly fidelity: Fidelity } | undefined;

function best(ways: readonly Way[]): Found {
  const there = ways.filter((way) => way !== undefined);
  const [first] = there;
  return first === undefined ? unknown : { by: there.map(({ by }) => by).join("; else "), fidelity: first.fidelity };
}

function done(by: string | undefined): Found {
  return { by, fidelity: undefined };
}

function exact(by: string | undefined): Way {
  return by === undefined ? undefined : { by, fidelity: "exact" };
}

function status({ observation }: Harness): Way {
  return observation.statusProtocol ? { by: "status report (OSC 7501)", fidelity: "exact" } : undefined;
}

function title({ observation }: Harness, means: "idle" | "working" | "blocked"): Way {
  const { titles } = observation;
  return titles?.rules.some((rule) => rule.means === means) === true
    ? { by: "terminal title", fidelity: titles.fidelity }
    : undefined;
}

function composer({ observation }: Harness): Way {
  return observation.pasteMode === "composer" ? exact("bracketed paste is on at its composer") : undefined;
}

function silence(ms: number | undefined): Way {
  return ms === undefined ? undefined : { by: `${ms} ms of silence`, fidelity: "inferred" };
}

function silenceAfterPaste({ observation }: Harness): Way {
  return observation.turnQuietMs === undefined ? undefined : { by: "we submitted a prompt", fidelity: "inferred" };
}

/** Context sources say their fidelity in words: `… (exact)`. */
function source(text: string): Way {
  const match = /^(.*) \((exact|inferred)\)$/u.exec(text);
  return match === null ? undefined : { by: match[1] ?? text, fidelity: match[2] === "exact" ? "exact" : "inferred" };
}
