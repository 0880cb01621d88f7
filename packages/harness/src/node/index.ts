export type { Environment, Orchestrator, ParentProcess } from "../attribution.ts";
export { currentOrchestrator, lookAtProcess, parentProcesses } from "./parents.ts";
export type { ProcessFacts } from "./parents.ts";
