export type { Archive, HistoryQuestion } from "./archive.ts";
export type { BrokerService, Caller, CallOptions, TerminalNews } from "./service.ts";
export { createCredentials } from "./shell/credentials.ts";
export type { Credentials } from "./shell/credentials.ts";
export type { Described, Harnesses, HookSignal, Prepared, Watcher } from "./shell/harness-port.ts";
export { openBroker } from "./shell/open-broker.ts";
export type { Broker, BrokerOptions } from "./shell/open-broker.ts";
export { openTerminalLogs } from "./shell/terminal-log.ts";
export type { TerminalLogs } from "./shell/terminal-log.ts";
