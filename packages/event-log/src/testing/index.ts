export { eventLogConformance } from "./conformance.ts";
export type { LogUnderTest } from "./conformance.ts";
export { memoryLog, memoryStore } from "./memory-log.ts";
export type { MemoryLogOptions, MemoryRow, MemoryStore } from "./memory-log.ts";
