import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { runPrefix } from "../run-census.ts";

type Kind = "agent" | "channel" | "run" | "step" | "approval" | "template";

export async function run(context: Context, _options: object, kind: Kind, typed: readonly string[]): ActionResult {
  let names: readonly string[] = [];
  try {
    names = await namesOf(context, kind, typed);
  } catch (thrown) {
    // The shell is in the middle of someone's typing: without a broker there is just nothing to offer.
    context.output.detail(thrown instanceof Error ? thrown.message : String(thrown));
  }
  if (context.output.isJson) context.output.document({ names });
  for (const name of names) context.output.line(name);
  return undefined;
}

async function namesOf(context: Context, kind: Kind, typed: readonly string[]): Promise<readonly string[]> {
  const { signal } = context;
  switch (kind) {
    case "template": {
      const { templateNames } = await import("@agent-relay/workflow");
      return templateNames;
    }
    case "agent":
      return withClient(context, {}, async (client) =>
        (await client.call("agent.list", {}, { signal })).agents.map(({ name }) => name),
      );
    case "channel":
      return withClient(context, {}, async (client) =>
        (await client.call("channel.list", {}, { signal })).channels.map(({ name }) => name),
      );
    case "run":
      return runNames(context);
    case "step":
    case "approval": {
      const { typedArguments } = await import("../typed-arguments.ts");
      const [given, ...more] = typedArguments(typed);
      if (given === undefined) return runNames(context);
      return more.length === 0 ? stepNames(context, kind, given) : [];
    }
  }
}

function runNames(context: Context): Promise<readonly string[]> {
  return withClient(context, {}, async (client) => {
    const { streams } = await client.call("stream.list", { prefix: runPrefix }, { signal: context.signal });
    return streams.map(({ stream }) => stream.slice(runPrefix.length));
  });
}

async function stepNames(context: Context, kind: "step" | "approval", given: string): Promise<readonly string[]> {
  const { approvalsOf, openRuns } = await import("@agent-relay/workflow");
  const { runNamed } = await import("../named-run.ts");
  const { withRelay } = await import("../relay-connection.ts");
  const { stepsOf } = await import("../run-steps.ts");
  return withRelay(context, async (relay) => {
    const runs = openRuns(relay);
    const recorded = await runs.read(await runNamed(runs, given));
    return kind === "step" ? stepsOf(recorded) : approvalsOf(recorded).map(({ step }) => step);
  });
}
