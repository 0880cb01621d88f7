export { CrashableLog } from "./crashable-log.ts";
export type { FailingAppends } from "./crashable-log.ts";
export { CrashPlan, isSimulatedCrash, SimulatedCrash } from "./crash-plan.ts";
export { specFor } from "./given.ts";
export type { Outcome, PartOf, Spec } from "./given.ts";
export { deliver, seeded } from "./seeded.ts";
export type { Fate, SeededOptions, Step, Story } from "./seeded.ts";
export { seededRandom, sequentialIds } from "./sequential-ids.ts";
export type { SequentialIdsOptions } from "./sequential-ids.ts";
export { SimulatedClock } from "./simulated-clock.ts";
export type { PendingTimer, UntilOptions } from "./simulated-clock.ts";
export { crashPoints, sweep } from "./sweep.ts";
export type { CrashPoint, Scenario, SweepOptions, SweepReport } from "./sweep.ts";
export { actionNames, blockKinds, contextChannels, crashSignals, statusStates } from "./scripted-agent/actions.ts";
export type {
  Action,
  ActionArguments,
  ActionName,
  BlockedKind,
  ContextVia,
  StatusState,
} from "./scripted-agent/actions.ts";
export { messagesIn } from "./scripted-agent/envelope.ts";
export type { ReceivedMessage } from "./scripted-agent/envelope.ts";
export { readJournal } from "./scripted-agent/journal.ts";
export type { JournalEntry, JournalFact } from "./scripted-agent/journal.ts";
export { scriptedAgentPath, scriptedInboxAgentPath, scriptedModelPath } from "./scripted-agent/paths.ts";
export { personas } from "./scripted-agent/personas.ts";
export type { PersonaName } from "./scripted-agent/personas.ts";
export { hookSignals, parseScript, resolveScript, scriptDefaults, triggers } from "./scripted-agent/script.ts";
export type { AgentScript, ContextScript, HookSignal, Rule, ScriptInput } from "./scripted-agent/script.ts";
export type { ModelControl } from "./scripted-model/control.ts";
export type { ApiName } from "./scripted-model/conversation.ts";
export type { ModelRule } from "./scripted-model/decide.ts";
export { directiveForms } from "./scripted-model/directives.ts";
export type { Purpose } from "./scripted-model/purpose.ts";
export type { Outcome as ModelOutcome, RecordedRequest } from "./scripted-model/record.ts";
export type { Failure as ModelFailure, Reply, WantedCall } from "./scripted-model/reply.ts";
export { startScriptedModel } from "./scripted-model/server.ts";
export type { ScriptedModel, ScriptedModelOptions } from "./scripted-model/server.ts";
export type { Json } from "./scripted-model/json.ts";
export type { OfferedTool } from "./scripted-model/tools.ts";
export type { Turn } from "./scripted-model/turn.ts";
