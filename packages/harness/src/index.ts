export {
  attributedHarness,
  findOrchestrator,
  normalizeHarness,
  orchestratorVariable,
  parentsMax,
  resolveOwnActor,
  stampEnvironment,
} from "./attribution.ts";
export type { Environment, Orchestrator, ParentProcess, StampInput, Stamped } from "./attribution.ts";
export { joinCommand, splitCommand } from "./command-line.ts";
export { classifyExit } from "./exit.ts";
export type { ExitFacts, ExitVerdict } from "./exit.ts";
export { explainCommand, harnessTableMarkdown, listHarnesses, showHarness } from "./explain.ts";
export type { HarnessCard, HarnessLine } from "./explain.ts";
export { attributableIds } from "./harness.ts";
export type {
  AttributableId,
  Dialog,
  ExitPattern,
  Harness,
  HarnessId,
  HookWiring,
  McpWiring,
  ObservationRules,
  PermissionRule,
  Recognition,
  RouteProof,
  TitleRule,
} from "./harness.ts";
export { translateHook } from "./hook-report.ts";
export type { AgentSignal, HookReport } from "./hook-report.ts";
export { inferHarness } from "./infer.ts";
export type { Inference, InferenceHint } from "./infer.ts";
export { planLaunch } from "./launch/plan.ts";
export type { LaunchPlan, LaunchRequest } from "./launch/plan.ts";
export type { PlannedFile } from "./launch/wiring.ts";
export type {
  KnownState,
  Observation,
  Observer,
  ObserverInput,
  ObserverState,
  ObserverStep,
  Rank,
  Said,
  Starting,
} from "./observe/observation.ts";
export { createObserver } from "./observe/observer.ts";
export type { Opening } from "./observe/opening.ts";
export { pastePlan } from "./paste.ts";
export { genericHarness, harnessById, harnesses, harnessList, isAttributableId, isHarnessId } from "./table.ts";
