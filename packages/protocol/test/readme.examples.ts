import { RelayEvent, isErrorCode, methods } from "@agent-relay/protocol";

/** What to do about one event, as JSON from the wire. */
export function react(json: string): string {
  const event = RelayEvent.parse(JSON.parse(json)); // throws on what is not an event of this protocol
  if (event.type === "agent_exited") return `${event.agent} ended: ${event.reason}, ${event.undelivered} undelivered`;
  if (event.type === "agent_idle") return `${event.agent} has been idle for ${event.idleSecs} s`;
  return `nothing to do; read on from ${event.sequence}`;
}

/** Parameters are checked, and defaults filled in, the way the broker does it. */
export const params = methods["message.send"].params.parse({ to: "#general", body: "hello" });
export const known = isErrorCode("mailbox_full");
