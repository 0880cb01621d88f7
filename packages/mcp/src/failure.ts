import { envelopeOf, errorEnvelope, type ErrorEnvelope } from "@agent-relay/protocol";
import { z } from "zod";

/** Where bugs and oddities are told. A logger of the broker is one. */
export interface McpLogger {
  readonly debug: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  readonly warn: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  readonly error: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

export function codeOf(thrown: unknown): string | undefined {
  return envelopeOf(thrown)?.code;
}

/** What the peer is told of anything thrown. Of a bug it learns only that there is one. */
export function explain(thrown: unknown, logger: McpLogger): ErrorEnvelope {
  const envelope = envelopeOf(thrown);
  if (envelope !== undefined) return envelope;
  if (thrown instanceof z.ZodError) {
    const found = thrown.issues.map(
      (issue) => `${issue.path.length === 0 ? "input" : issue.path.join(".")}: ${issue.message}`,
    );
    return errorEnvelope("invalid_request", found.slice(0, 5).join("; "));
  }
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  logger.error("a tool failed through a bug", { error: error.message, stack: error.stack });
  return errorEnvelope("internal", "the broker failed at this; its log says why");
}
