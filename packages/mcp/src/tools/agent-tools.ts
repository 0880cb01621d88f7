import { z } from "zod";
import { agentLine, agentRecord } from "../present.ts";
import { tool, type Tool, type ToolContext, type ToolOutcome } from "../tool.ts";
import { agentName, channelName, messageId, waitSecondsMax } from "./fields.ts";
import { codeOf } from "../failure.ts";
import { relayError } from "@agent-relay/protocol";

export const agentTools: readonly Tool[] = [
  tool({
    name: "list_agents",
    title: "List agents",
    description: "Who is there, what each is doing, and how much mail waits for it.",
    readOnly: true,
    input: z.object({
      include_ended: z.boolean().default(false).describe("Also agents that were released or have died."),
    }),
    run: async ({ include_ended: all }, { calls }) => {
      const { agents } = await calls.call("agent.list", { all });
      return {
        text: agents.length === 0 ? "No agents." : agents.map(agentLine).join("\n"),
        structured: { agents: agents.map(agentRecord) },
      };
    },
  }),
  tool({
    name: "spawn_agent",
    title: "Start an agent",
    description: "Start another agent program. Its task is its first message, from you; it answers to your name.",
    input: z.object({
      name: agentName.describe("A new name: a-z, 0-9, '-' and '_'."),
      cli: z.string().min(1).max(8_192).describe("Command line, such as `claude` or `codex`."),
      task: z.string().min(1).optional().describe("What it is to do."),
      model: z.string().min(1).max(128).optional(),
      cwd: z.string().max(4_096).optional().describe("Absolute working directory. The project's if absent."),
      channels: z.array(channelName).max(64).optional().describe("Channels to join."),
    }),
    run: async ({ name, cli, task, model, cwd, channels }, { calls, commandId, signal }) => {
      const launch = {
        cli,
        ...(task === undefined ? {} : { task }),
        ...(model === undefined ? {} : { model }),
        ...(cwd === undefined ? {} : { cwd }),
        ...(channels === undefined ? {} : { channels }),
      };
      const { agent, epoch, harness } = await calls.call(
        "agent.spawn",
        { name, launch },
        { commandId: commandId(), signal },
      );
      return {
        text: `${agent} runs${harness === null ? "" : ` (${harness})`}.`,
        structured: { agent, epoch, harness },
      };
    },
  }),
  tool({
    name: "release_agent",
    title: "Release an agent",
    description: "Ask an agent to leave, and make it leave if it does not. Ends its process.",
    input: z.object({ name: agentName, reason: z.string().max(500).optional() }),
    run: async ({ name, reason }, { calls, commandId, signal }) => {
      await calls.call(
        "agent.release",
        { name, ...(reason === undefined ? {} : { reason }) },
        { commandId: commandId(), signal },
      );
      return { text: `${name} has left.`, structured: { agent: name } };
    },
  }),
  tool({
    name: "wait_for",
    title: "Wait",
    description:
      "Wait for one thing: an agent to reach a state (agent, state), an answer to a message (message_id), or mail (neither). " +
      "Not reached in time is no error; call again to go on waiting.",
    readOnly: true,
    input: z.object({
      agent: agentName.optional().describe("Wait for this agent."),
      state: z
        .enum(["ready", "idle", "blocked", "exited", "dead"])
        .default("idle")
        .describe("With agent: the state to wait for."),
      message_id: messageId.optional().describe("Wait until this message of yours is answered."),
      timeout_seconds: z.number().min(0).max(waitSecondsMax).default(30),
    }),
    run: waitFor,
  }),
  tool({
    name: "report_status",
    title: "Report your status",
    description: "Say in a sentence what you are doing. Others see it in list_agents.",
    input: z.object({ text: z.string().min(1).max(500) }),
    run: async ({ text }, { calls }) => {
      await calls.call("agent.report", { text });
      return { text: "Reported.", structured: { reported: text } };
    },
  }),
  tool({
    name: "submit_verdict",
    title: "Decide about a step of a workflow",
    description:
      "For the step of a workflow that you answer for (COMPLETE, INCOMPLETE_RETRY, INCOMPLETE_FAIL, NEEDS_CLARIFICATION) or that you review (APPROVE, REJECT). It weighs more than anything you write.",
    input: z.object({
      step: z.string().min(1).max(300).describe("the step's name, as you were told it"),
      decision: z.enum(["COMPLETE", "INCOMPLETE_RETRY", "INCOMPLETE_FAIL", "NEEDS_CLARIFICATION", "APPROVE", "REJECT"]),
      reason: z.string().max(2_000).optional(),
    }),
    run: async ({ step, decision, reason }, { calls }) => {
      const why = reason === undefined ? {} : { reason };
      const verdict =
        decision === "APPROVE" || decision === "REJECT"
          ? { kind: "review" as const, decision, ...why }
          : { kind: "owner" as const, decision, ...why };
      await calls.call("verdict.submit", { step, verdict });
      return { text: `Decided about ${step}: ${decision}.`, structured: { step, decision } };
    },
  }),
];

interface WaitInput {
  readonly agent?: string | undefined;
  readonly state: "ready" | "idle" | "blocked" | "exited" | "dead";
  readonly message_id?: string | undefined;
  readonly timeout_seconds: number;
}

async function waitFor(input: WaitInput, context: ToolContext): Promise<ToolOutcome> {
  if (input.agent !== undefined && input.message_id !== undefined) {
    throw relayError("invalid_request", "expected agent or message_id, found both", {
      hint: "Wait for one thing at a time.",
    });
  }
  const timeoutMs = Math.round(input.timeout_seconds * 1_000);
  try {
    if (input.agent !== undefined) return await waitForAgent(input.agent, input.state, timeoutMs, context);
    if (input.message_id !== undefined) return await waitForAnswer(input.message_id, timeoutMs, context);
    return await waitForMail(timeoutMs, context);
  } catch (thrown) {
    if (codeOf(thrown) !== "timeout") throw thrown;
    return { text: `Not reached within ${input.timeout_seconds} s.`, structured: { reached: false } };
  }
}

async function waitForAgent(
  name: string,
  until: WaitInput["state"],
  timeoutMs: number,
  { calls, signal }: ToolContext,
): Promise<ToolOutcome> {
  const { agents } = await calls.call("agent.wait", { names: [name], until, timeoutMs }, { signal });
  return { text: agents.map(agentLine).join("\n"), structured: { reached: true, agents: agents.map(agentRecord) } };
}

async function waitForAnswer(
  messageId: string,
  timeoutMs: number,
  { calls, signal }: ToolContext,
): Promise<ToolOutcome> {
  const { deliveries } = await calls.call("message.await", { messageId, until: "answered", timeoutMs }, { signal });
  const lines = deliveries.map(({ agent, stage, deadLetterReason }) =>
    stage === "answered" ? `${agent} has answered.` : `${agent} will not answer: ${deadLetterReason ?? stage}.`,
  );
  const reached = deliveries.some(({ stage }) => stage === "answered");
  return {
    text: lines.join("\n"),
    structured: {
      reached,
      deliveries: deliveries.map(({ agent, stage, deadLetterReason }) => ({ agent, stage, reason: deadLetterReason })),
    },
  };
}

async function waitForMail(timeoutMs: number, { calls, signal }: ToolContext): Promise<ToolOutcome> {
  const { messages } = await calls.call("inbox.check", { peek: true, limit: 1, waitMs: timeoutMs }, { signal });
  const reached = messages.length > 0;
  return { text: reached ? "Mail has come." : `No mail within ${timeoutMs / 1_000} s.`, structured: { reached } };
}
