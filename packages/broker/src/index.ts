export type { Observation, Sighting } from "./core/commands.ts";
export type { Archive, HistoryQuestion } from "./archive.ts";
export type { BrokerService, Caller, CallOptions, TerminalNews } from "./service.ts";
export { createCredentials } from "./shell/credentials.ts";
export type { Credentials } from "./shell/credentials.ts";
export type {
  Described,
  Harnesses,
  HookSignal,
  Incarnated,
  Prepared,
  StartOptions,
  Talk,
  TalkOptions,
  WatchOptions,
  TalkStep,
  Watcher,
  InletPlan,
  LineFile,
} from "./shell/harness-port.ts";
export { openBroker } from "./shell/open-broker.ts";
export type { Broker, BrokerOptions } from "./shell/open-broker.ts";
export { systemClock } from "./shell/system-clock.ts";
export { openTerminalLogs } from "./shell/terminal-log.ts";
export type { TerminalLogs } from "./shell/terminal-log.ts";
export { timeSortedIds } from "./shell/time-sorted-ids.ts";
export type { GatewayLimits } from "./gateway/gateway-limits.ts";
export { openGateway } from "./gateway/open-gateway.ts";
export type { Gateway, GatewayOptions } from "./gateway/open-gateway.ts";
export { knownHarnesses } from "./shell/known-harnesses.ts";
export type { KnownHarnessesOptions, RecordedInput } from "./shell/known-harnesses.ts";
export { createProgramVersions } from "./shell/program-version.ts";
export type { ProgramVersions } from "./shell/program-version.ts";
export { replayState } from "./shell/replay-state.ts";
export type { ReplayedState } from "./shell/replay-state.ts";
