/** What an answer cost, and what it leaves of the context. */
import { said, type TalkDraft, type Line, type TalkOut } from "./talk.ts";
import { modelUsageOf, type Usage } from "./usage.ts";
import { isObject } from "../../json-values.ts";

const modelsMax = 32;

/** What is new since the last result, subagents and side requests included (2.1.329), or else the difference of sums. */
export function takeUsage(state: TalkDraft, out: TalkOut, line: Line, at: number): void {
  const sums = models(line["modelUsage"]);
  for (const [model, , value] of sums) {
    const { contextWindow } = value;
    if (typeof contextWindow === "number" && contextWindow > 0)
      state.windows = withModel(state.windows, model, contextWindow);
  }
  const fresh = line["model_usage_since_last_result"];
  const known = state.sums;
  const used: readonly (readonly [string, Usage])[] = isObject(fresh)
    ? models(fresh).map(([model, usage]) => [model, usage])
    : known === undefined
      ? []
      : sums.map(([model, usage]) => [model, without(usage, known[model])]);
  for (const [model, usage] of used) {
    if (usage.inputTokens === 0 && usage.outputTokens === 0) continue;
    out.observations.push({ type: "tokens", ...usage, model, ...said("result", at) });
  }
  state.sums = Object.fromEntries(sums.map(([model, usage]) => [model, usage]));
  sayContext(state, out, at);
}

export function sayContext(state: TalkDraft, out: TalkOut, at: number): void {
  const { sent } = state;
  const window = sent === undefined ? undefined : windowOf(state.windows, sent.model);
  if (sent === undefined || window === undefined) return;
  const pctLeft = Math.min(100, Math.max(0, Math.round(100 - (100 * sent.tokens) / window)));
  if (pctLeft === state.pctLeft) return;
  state.pctLeft = pctLeft;
  out.observations.push({ type: "context", pctLeft, ...said("usage", at) });
}

function models(value: unknown): readonly (readonly [string, Usage, Line])[] {
  if (!isObject(value)) return [];
  return Object.entries(value)
    .slice(0, modelsMax)
    .flatMap(([name, it]) => {
      const usage = modelUsageOf(it);
      return usage === undefined || !isObject(it) || name === "" ? [] : [[name.slice(0, 128), usage, it] as const];
    });
}

function without(sum: Usage, before: Usage | undefined): Usage {
  const left = (key: keyof Usage): number => Math.max(0, sum[key] - (before?.[key] ?? 0));
  return {
    inputTokens: left("inputTokens"),
    cachedInputTokens: left("cachedInputTokens"),
    outputTokens: left("outputTokens"),
  };
}

/** A window of another size is part of the name in the sums, as in `claude-opus-4-8[1m]`, and not in the answers. */
function windowOf(windows: Readonly<Record<string, number>>, model: string): number | undefined {
  const exact = Object.hasOwn(windows, model) ? windows[model] : undefined;
  return exact ?? Object.entries(windows).find(([name]) => name.startsWith(`${model}[`))?.[1];
}

function withModel<Value>(of: Readonly<Record<string, Value>>, model: string, value: Value): Record<string, Value> {
  return Object.fromEntries(
    [...Object.entries(of).filter(([name]) => name !== model), [model, value] as const].slice(-modelsMax),
  );
}
