export { boundedQueue } from "./bounded-queue.ts";
export type { BoundedQueue, WhenFull } from "./bounded-queue.ts";
export { accept, reject, replay } from "./decider.ts";
export type { Decider, Decision } from "./decider.ts";
export type { Append, CommandStamp, EventLog, ReadOptions, Recorded, Sequence } from "./event-log.ts";
export { codeOf, Fault, messageOf } from "./fault.ts";
export type { Retry } from "./fault.ts";
export { invariant, InvariantViolation, unreachable } from "./invariant.ts";
export type { Clock, IdSource, Instant, Logger } from "./ports.ts";
export type {
  PtyHost,
  PtyHostEvent,
  TerminalEnding,
  TerminalId,
  TerminalInfo,
  TerminalSpec,
  WriteState,
  WriteStep,
} from "./pty-host.ts";
