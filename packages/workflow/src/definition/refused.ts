/**
 * Fields of the format, or of its later versions, that nothing here would honour. Each is an error that says what to write
 * instead; `docs/format.md` lists them.
 */
export interface Refused {
  /** Where it may stand: `*` is any index. */
  readonly field: string;
  readonly instead: string;
}

export const refused: readonly Refused[] = [
  { field: "permission_profiles", instead: "set `permissionMode` of each agent to ask, auto or bypass" },
  { field: "swarm.humanAssistance", instead: "write a step with `wait_for: {approval: …}`" },
  { field: "swarm.credentialProxy", instead: "agents use the credentials of the person who runs them; take it away" },
  {
    field: "swarm.completionGracePeriodMs",
    instead: "an agent is done when its verification passes; set `idleThresholdSecs` of its constraints",
  },
  { field: "agents.*.permissions", instead: "set `permissionMode` to ask, auto or bypass" },
  { field: "agents.*.credentials", instead: "agents use the credentials of the person who runs them; take it away" },
  { field: "agents.*.skills", instead: "name what the agent should use in its `task`" },
  { field: "agents.*.watch", instead: "write a step with `wait_for: {event: …}`" },
  { field: "agents.*.subscriptions", instead: "list `channels` of the agent" },
  {
    field: "agents.*.additionalPaths",
    instead: "name the paths in the task, or set `cwd` to a directory that holds them all",
  },
  { field: "agents.*.timeoutMs", instead: "write it inside `constraints`" },
  { field: "agents.*.retries", instead: "write it inside `constraints`" },
  { field: "agents.*.model", instead: "write it inside `constraints`" },
  { field: "agents.*.maxTokens", instead: "write it inside `constraints`" },
  { field: "agents.*.idleThresholdSecs", instead: "write it inside `constraints`" },
  {
    field: "workflows.*.steps.*.integration",
    instead: "call the service in a deterministic step, for example with `gh`",
  },
  { field: "workflows.*.steps.*.action", instead: "call the service in a deterministic step, for example with `gh`" },
  { field: "workflows.*.steps.*.waitFor", instead: "write `wait_for: {message: …}`, `{event: …}` or `{approval: …}`" },
  {
    field: "workflows.*.steps.*.humanAssistance",
    instead: "write a step with `wait_for: {approval: …}` before this one",
  },
  { field: "workflows.*.steps.*.verification.diagnosticAgent", instead: "set `errorHandling.repairAgent`" },
  { field: "workflows.*.steps.*.verification.diagnosticTimeout", instead: "set `errorHandling.repairAgent`" },
];

/** Values that name something that is not here, with what to write instead. */
export const refusedValues: readonly { readonly field: string; readonly value: string; readonly instead: string }[] = [
  {
    field: "state.backend",
    value: "redis",
    instead: 'write "memory": what a run shares is a directory beside its log',
  },
  {
    field: "state.backend",
    value: "database",
    instead: 'write "memory": what a run shares is a directory beside its log',
  },
  {
    field: "workflows.*.steps.*.type",
    value: "integration",
    instead: "call the service in a deterministic step, for example with `gh`",
  },
  {
    field: "workflows.*.steps.*.verification.type",
    value: "pr_url",
    instead: "write `type: custom` with a command such as `gh pr view --json url`",
  },
];

export function insteadOf(path: readonly PropertyKey[]): string | undefined {
  return refused.find(({ field }) => matches(field, path))?.instead;
}

export function insteadOfValue(path: readonly PropertyKey[], value: unknown): string | undefined {
  return refusedValues.find((row) => row.value === value && matches(row.field, path))?.instead;
}

function matches(field: string, path: readonly PropertyKey[]): boolean {
  const parts = field.split(".");
  return parts.length === path.length && parts.every((part, index) => part === "*" || part === path[index]);
}
