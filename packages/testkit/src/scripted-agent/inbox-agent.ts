/**
 * The scripted inbox agent: fetches its mail over MCP, acts on it by the same rules, and acknowledges it.
 *
 *   N1  Mail is acknowledged after it was acted on, so where nobody acknowledged it earlier, a death in between brings
 *       it again, marked.
 *   N2  While the broker is away it keeps asking.
 *   N3  What is typed into its terminal is not read, but for `/exit`.
 */
import { createBody, pause } from "./body.ts";
import { isRecord } from "./checks.ts";
import { messagesIn } from "./envelope.ts";
import type { ReceivedMessage } from "./envelope.ts";
import type { ToolResult } from "./mcp-client.ts";
import { ruleBook } from "./rules.ts";
import type { AgentScript } from "./script.ts";
import { surface } from "./surface.ts";
import type { World } from "./world.ts";

/** Until it asks again after a refusal, or a call that was given up: asking faster helps nobody. */
const afterFailureMs = 1_000;

export async function playInboxAgent(script: AgentScript, world: World): Promise<void> {
  const { journal, tools } = world;
  if (tools === undefined) throw new Error("AGENT_RELAY_MCP_URL is not set: there is no inbox to read");
  const screen = surface({ write: world.write, isSilent: script.mode === "silent", prompt: "" });
  const rules = ruleBook(script.rules);
  const actedOn = new Set<string>();
  const { signal } = new AbortController();
  let turns = 0;
  // Nobody sits at this terminal: a permission is refused, and the journal tells.
  const body = createBody({ script, world, surface: screen, ask: () => Promise.resolve("no") });

  const leave = (code: number, how: string): void => {
    void body.leave(code, how);
  };
  listenForExit(world, script, leave);

  journal.write({ type: "boot", app: script.app, argv: world.argv });
  await body.perform(rules.onBoot(), signal);
  await pause(script.bootMs, signal);
  if (script.banner !== "") screen.say(script.banner);
  journal.write({ type: "ready" });
  body.status({ state: "idle" });
  void body.hook("ready");
  await body.perform(rules.onReady(), signal);

  const takeTurn = async (messages: readonly ReceivedMessage[]): Promise<void> => {
    turns += 1;
    for (const message of messages) journal.write({ type: "message", turn: turns, via: "inbox", ...message });
    journal.write({ type: "turn_started", turn: turns });
    body.status({ state: "working" });
    void body.hook("turn_started");
    body.beginAnswer();
    for (const message of messages) screen.say(`from ${message.from ?? "nobody"}: ${message.body}`);
    await pause(script.turnMs, signal);
    const fresh = messages.filter(({ id }) => script.repeats === "act" || id === undefined || !actedOn.has(id));
    const prompt = messages.map((message) => message.body).join("\n");
    const how = await body.perform(rules.onPrompt(prompt, fresh, turns), signal);
    const ids = messages.flatMap(({ id }) => (id === undefined ? [] : [id]));
    for (const id of ids) actedOn.add(id);
    if (ids.length > 0) await tools.call("ack_message", { message_ids: ids });
    await body.reportAnswer();
    journal.write({ type: "turn_ended", turn: turns, how });
    body.status({ state: script.turnEndState });
    void body.hook("turn_ended");
  };

  for (;;) {
    const result = await tools.call(
      "check_inbox",
      { limit: script.inboxLimit, wait_seconds: script.inboxWaitSeconds },
      { waitMs: script.inboxWaitSeconds * 1_000 },
    );
    if (result.outcome !== "ok") {
      screen.say(`check_inbox: ${result.text}`);
      await pause(afterFailureMs, signal);
      continue;
    }
    const messages = messagesOf(result);
    if (messages.length > 0) await takeTurn(messages);
    // A broker that does not wait must not be asked in a tight loop.
    else await pause(script.inboxWaitSeconds === 0 ? 200 : 10, signal);
  }
}

/** What the inbox answered: structured if it can be, envelopes in the text otherwise. */
function messagesOf(result: ToolResult): readonly ReceivedMessage[] {
  const listed = result.structured?.["messages"];
  if (!Array.isArray(listed)) return messagesIn(result.text);
  return listed.filter(isRecord).map((message) => {
    const field = (...names: readonly string[]): string | undefined =>
      names.map((name) => message[name]).find((value) => typeof value === "string");
    return {
      id: field("id", "message_id"),
      from: field("from"),
      to: field("to"),
      thread: field("thread", "thread_id"),
      sentAt: field("at"),
      replyTo: field("reply_to"),
      repeat: message["possible_repeat"] === true,
      body: field("text", "body") ?? "",
      complete: true,
    };
  });
}

function listenForExit(world: World, script: AgentScript, leave: (code: number, how: string) => void): void {
  world.input.setEncoding("utf8");
  let typed = "";
  world.input.on("data", (chunk: string) => {
    // Only the newest line can be the request, so no more than one is kept.
    typed = (typed + chunk).slice(-256);
    if (/(?:^|\n)\s*\/exit\s*[\r\n]/.test(typed) && !script.ignoreExit) leave(0, "/exit");
  });
  const gone = (): void => {
    world.journal.write({ type: "exit", how: "terminal gone" });
    world.exit(0);
  };
  if (world.input.isTTY) world.input.on("end", gone);
  world.input.on("error", gone);
  world.onSignal("SIGTERM", () => {
    world.journal.write({ type: "signal", signal: "SIGTERM" });
    if (script.onTerm === "exit") leave(0, "SIGTERM");
    if (script.onTerm !== "die") return;
    world.stopListening("SIGTERM");
    world.killSelf("SIGTERM");
  });
}
