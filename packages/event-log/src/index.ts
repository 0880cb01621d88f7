export type { EventArchive, StatsBy } from "./archive/archive.ts";
export type { HistoryQuestion } from "./archive/history.ts";
export type { SearchQuestion } from "./archive/search.ts";
export type { Integrity } from "./backup.ts";
export { acquireBrokerLock, readBrokerOwner } from "./broker-lock.ts";
export type { BrokerLock, BrokerOwner } from "./broker-lock.ts";
export { openEventLog } from "./open-event-log.ts";
export type { EventLogOptions, OpenedEventLog } from "./open-event-log.ts";
