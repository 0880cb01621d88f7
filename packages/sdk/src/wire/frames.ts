/**
 * Frames of the broker, parsed at the edge.
 *
 *   P1  What is not a frame of this protocol is a violation, told with what was found.
 *   P2  An event of a type that a newer broker knows and we do not moves the cursor and is otherwise passed over.
 */
import { RelayEvent, ServerFrame, eventTypes, relayError } from "@agent-relay/protocol";

const knownEventTypes: ReadonlySet<string> = new Set(eventTypes);

/** Throws a `RelayError` with code `invalid_frame`. */
export function parseServerFrame(text: string): ServerFrame {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw relayError(
      "invalid_frame",
      `expected a JSON frame from the broker, found ${JSON.stringify(text.slice(0, 80))}`,
      { cause },
    );
  }
  const frame = ServerFrame.safeParse(passOverUnknownEvent(json));
  if (frame.success) return frame.data;
  const issue = frame.error.issues[0];
  throw relayError(
    "invalid_frame",
    `the broker sent a frame that is not part of this protocol: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`,
  );
}

/** The events of a page that we know. Throws a `RelayError` with code `invalid_frame`. */
export function parseEvents(page: readonly unknown[]): RelayEvent[] {
  return page.flatMap((json) => {
    if (unknownEvent(json) !== undefined) return [];
    const event = RelayEvent.safeParse(json);
    if (event.success) return [event.data];
    throw relayError(
      "invalid_frame",
      `the broker sent an event that is not part of this protocol: ${event.error.issues[0]?.message ?? ""}`,
    );
  });
}

function passOverUnknownEvent(json: unknown): unknown {
  if (!isRecord(json) || json["type"] !== "event") return json;
  const sequence = unknownEvent(json["event"]);
  return sequence === undefined ? json : { type: "cursor", id: json["id"], next: sequence };
}

/** The sequence of an event whose type we do not know. */
function unknownEvent(event: unknown): number | undefined {
  if (!isRecord(event) || typeof event["type"] !== "string" || knownEventTypes.has(event["type"])) return undefined;
  return typeof event["sequence"] === "number" ? event["sequence"] : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
