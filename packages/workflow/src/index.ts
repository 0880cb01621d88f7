// What a script writes.
export { workflow } from "./builder.ts";
export type { AgentOptions, StepOptions, UnnamedStep, UseOptions, WorkflowBuilder } from "./builder.ts";
export { resume, runWorkflow, runsInMemory, startWorkflow } from "./shell/run-workflow.ts";
export type { HostOptions, RunOptions, WorkflowSource } from "./shell/run-workflow.ts";
export type { RunHandle, WorkflowEvent, WorkflowListener } from "./shell/run-handle.ts";
export type { RunResult, StepResult } from "./shell/run-result.ts";
export { InvalidWorkflow } from "./definition/invalid-workflow.ts";

// In place of agents and commands.
export { executorPerformer } from "./shell/executor-performer.ts";
export type {
  AgentOutcome,
  AgentTask,
  CommandOutcome,
  CommandTask,
  Executor,
  Task,
  WaitTask,
  WorktreeTask,
} from "./shell/executor.ts";
export type { WaitUntil } from "./core/actions.ts";

// Documents, and what they would do.
export { jsonSchema } from "./definition/document.ts";
export type {
  AgentDefinition,
  CustomStep,
  DocumentSchema,
  StepDefinition,
  WorkflowDefinition,
  WorkflowDocument,
} from "./definition/document.ts";
export { patternNames } from "./definition/patterns/names.ts";
export type { PatternName } from "./definition/patterns/names.ts";
export { loadWorkflow, loadWorkflowFile, loadWorkflowText, planWorkflow } from "./definition/load.ts";
export { fileBytesMax as workflowBytesMax } from "./definition/read-yaml.ts";
export type { Loaded, LoadOptions } from "./definition/load.ts";
export type { YamlSource } from "./definition/read-yaml.ts";
export { formatProblem } from "./definition/problems.ts";
export type { Problem, ProblemCode } from "./definition/problems.ts";
export { toYaml } from "./definition/to-yaml.ts";
export { describePlan } from "./definition/describe-plan.ts";
export { dryRun } from "./shell/dry-run.ts";
export type {
  DescribedAgent,
  DescribedStep,
  DescribedWave,
  PlanDescription,
  PlanWarning,
} from "./definition/describe-plan.ts";
export { isTemplateName, listTemplates, templateNames, templateText } from "./definition/shipped-templates.ts";
export type { TemplateName, TemplateSummary } from "./definition/shipped-templates.ts";

// Runs of a broker, whoever executes them.
export { openRuns } from "./shell/runs.ts";
export { earlierOutputs } from "./shell/earlier-outputs.ts";
export type { EarlierOutputs } from "./shell/earlier-outputs.ts";
export type { ExecuteOptions, RunListing, Runs } from "./shell/runs.ts";
export { approvalsOf } from "./shell/approvals.ts";
export type { WaitingApproval } from "./shell/approvals.ts";
export type { RunSummary } from "./shell/run-summary.ts";
export { runPerformer } from "./shell/run-performer.ts";
export type { RunPerformer } from "./shell/performing.ts";
export type { Environment } from "./shell/environment.ts";
export type { Refusal } from "./core/commands.ts";
export type { RunStatus } from "./core/state.ts";

// What became of a run.
export { eventsOf } from "./core/run-events.ts";
export type { RunEvent, RunEventType } from "./core/run-events.ts";
export { trajectoryOf } from "./core/trajectory.ts";
export type { AttemptTrajectory, Decision, Note, Reflection, StepTrajectory, Trajectory } from "./core/trajectory.ts";
export { reportOf } from "./core/report.ts";

// What stands in the log of a run: its entries, and in the first of them its plan.
export type { Recorded } from "./core/run.ts";
export type {
  About,
  CompletedBy,
  Ending,
  Entry,
  Exit,
  Failure,
  FailureCause,
  OfPart,
  OwnerDecision,
  Part,
  Verdict,
  VerdictSource,
} from "./core/entries.ts";
export type {
  AgentStep,
  DeterministicStep,
  ForEachStep,
  IdleNudge,
  Plan,
  PlannedAgent,
  PlannedBase,
  PlannedStep,
  Preset,
  StepName,
  Strategy,
  SubWorkflowStep,
  Template,
  TrajectorySettings,
  Verification,
  WaitForStep,
  WorktreeStep,
} from "./core/plan.ts";
