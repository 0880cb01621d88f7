/** One event on one line. */
import { Activity, oneLine, type RelayEvent } from "@agent-relay/protocol";
import type { Output } from "../terminal-output.ts";
import { cutToWidth } from "./display-width.ts";
import { clockTime, duration } from "./moments.ts";
import { safeLine } from "./safe-text.ts";

/** Shown in front, or of no interest to a person. */
const inFront = new Set(["type", "sequence", "at", "stream", "revision", "actor", "agent", "messageId", "channel"]);
/** What an agent has said may be a whole report, which `--json` prints. */
const saidCharacters = 200;
/** Fields that read better as words than as JSON. */
const inWords: Readonly<Record<string, (value: unknown, at: number) => string>> = {
  doing: (value, at) => {
    const activity = Activity.safeParse(value).data;
    if (activity === undefined) return JSON.stringify(value);
    const { status, since, messageIds } = activity;
    const mail = messageIds.length === 0 ? "" : `,${messageIds.join(",")}`;
    return `${status},${duration(at - since)}${mail}`;
  },
  answerable: (value) => (value === true ? "yes" : "only-at-its-terminal"),
  text: (value) => shown(typeof value === "string" ? oneLine(value, saidCharacters) : value),
  versionTried: (value) => (value === true ? "yes" : "no"),
};
const alarming = new Set([
  "agent_exited",
  "agent_permanently_dead",
  "agent_context_low",
  "agent_blocked",
  "delivery_dead_lettered",
  "delivery_stalled",
  "delivery_uncertain",
]);

export function eventLine(event: RelayEvent, output: Output, now: number): string {
  const { colours } = output;
  const about = "agent" in event ? event.agent : "channel" in event ? `#${event.channel}` : "";
  const message = "messageId" in event ? event.messageId : "";
  const rest = Object.entries(event)
    .filter(([key, value]) => !inFront.has(key) && value !== undefined && value !== null)
    .map(([key, value]) => `${key}=${inWords[key]?.(value, event.at) ?? shown(value)}`);
  const time = clockTime(event.at, now);
  const sequence = `#${event.sequence}`;
  const words = [event.type, about, message, ...rest].map(safeLine).filter((word) => word !== "");
  const width = output.width();
  const text = words.join(" ");
  const room = width === undefined ? undefined : Math.max(10, width - time.length - sequence.length - 2);
  const cut = room === undefined ? text : cutToWidth(text, room);
  const paint = alarming.has(event.type) ? colours.yellow : colours.bold;
  const painted = cut.startsWith(event.type) ? paint(event.type) + cut.slice(event.type.length) : cut;
  return `${colours.dim(time)} ${colours.dim(sequence)} ${painted}`;
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /\s/.test(text) && typeof value === "string" ? JSON.stringify(text) : text;
}
