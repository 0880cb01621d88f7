export type { Archive, HistoryQuestion } from "./archive.ts";
export type { BrokerService, Caller, CallOptions, TerminalNews } from "./service.ts";
