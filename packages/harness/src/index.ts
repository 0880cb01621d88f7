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
export { capabilitiesOf, capabilityNames } from "./capabilities.ts";
export type { Capability, CapabilityName } from "./capabilities.ts";
export { joinCommand, splitCommand } from "./command-line.ts";
export { conversationOf } from "./conversation.ts";
export type {
  Conversation,
  ConversationFactory,
  ConversationInput,
  ConversationOptions,
  ConversationStep,
  ConversationWrite,
  DeliveryOutcome,
} from "./conversation.ts";
export { classifyExit } from "./exit.ts";
export type { ExitFacts, ExitVerdict } from "./exit.ts";
export { explainCommand, harnessTableMarkdown, listHarnesses, showHarness } from "./explain.ts";
export type { HarnessCard, HarnessLine } from "./explain.ts";
export { attributableIds } from "./harness.ts";
export type {
  AnswerKeys,
  AskRule,
  AttributableId,
  Connection,
  Dialog,
  ExitPattern,
  Harness,
  HarnessId,
  Headless,
  HeadlessOptions,
  Inlet,
  ObservationRules,
  PermissionRule,
  Recognition,
  RouteProof,
  StatusRule,
  Told,
  TitleRule,
  Versions,
} from "./harness.ts";
export { answerHook, translateHook } from "./hook-report.ts";
export type { AgentSignal, HookReport } from "./hook-report.ts";
export { inferHarness } from "./infer.ts";
export type { Inference, InferenceHint } from "./infer.ts";
export { askedMode } from "./launch/permission.ts";
export { planLaunch } from "./launch/plan.ts";
export type { LaunchPlan, LaunchRequest } from "./launch/plan.ts";
export { privateFileName } from "./launch/private-files.ts";
export type { PlannedFile, PlannedMirror, Wiring, WiringInput } from "./launch/wiring.ts";
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
  ToldTurn,
} from "./observe/observation.ts";
export { createObserver } from "./observe/observer.ts";
export type { Observed } from "./observe/observer.ts";
export type { Opening } from "./observe/opening.ts";
export { leavePlan, pastePlan, promptText } from "./paste.ts";
export { genericHarness, harnessById, harnesses, harnessList, isAttributableId, isHarnessId } from "./table.ts";
