import type { ProgramId } from "@agent-relay/agent-programs";

/** An agent program that can take part. */
export interface Player {
  /** What its user types, and its name in the team. */
  readonly name: string;
  readonly id: ProgramId & ("claude-code" | "codex" | "gemini-cli");
  readonly title: string;
  readonly install: string;
  readonly megabytes: number;
}

export interface Wanted {
  readonly kind: "run";
  readonly programs: readonly Player[];
  readonly isOffline: boolean;
}

export interface Wrong {
  readonly kind: "wrong";
  readonly problem: string;
  /** What to type instead. */
  readonly next: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

export const players: readonly Player[];
export const help: string;
export function readCommandLine(
  words: readonly string[],
  environment?: Environment,
): { readonly kind: "help" } | Wanted | Wrong;
export function missingProgram(wanted: Wanted, environment: Environment): Wrong | undefined;
export function findOnPath(name: string, environment: Environment): string | undefined;
export function problemText(wrong: Wrong): string;
