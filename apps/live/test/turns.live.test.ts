/** Turns: what is known of a program while it works and while it does not. */
import { harnessById } from "@agent-relay/harness";
import { expect } from "vitest";
import { by, forEachProgram } from "../src/story.ts";

/**
 * After the end of the turn, at the latest. Up to now each of them has said its answer before that, if by little: Claude Code by
 * 312 ms and Codex by 28 ms, whose status ends the turn after the hook that has the words; Qwen Code by 97 ms, whose title
 * does; Gemini CLI in the same report; GitHub Copilot by 51 ms, by its record, which it may write after its hook; Pi by 36 ms
 * and OpenCode by 193 ms, whose plugin posts one after the other. Nothing orders two ways of telling.
 */
const SAID_WITHIN_MS = 15_000;

forEachProgram(({ program, story }) => {
  story("ready", "it is ready once, and takes a message at once", async (stage) => {
    const ada = await stage.hire("ada");
    const ready = await ada.next("agent_ready");
    await ada.turn("%model say hello");
    expect(stage.prompts().join("\n")).toContain("%model say hello");
    expect(stage.watch.of("agent_ready", "ada")).toHaveLength(1);
    return by(ready);
  });

  story("idle", "a turn ends once, and idle follows", async (stage) => {
    const ada = await stage.hire("ida");
    const ended = await ada.turn("%model say done");
    const idle = await ada.next("agent_idle", ended.sequence);
    expect(idle.since).toBe(ended.at);
    expect(stage.watch.of("agent_turn_ended", "ida")).toHaveLength(1);
    return by(ended);
  });

  story("busy", "it works from the prompt on until the model has answered", async (stage) => {
    const ada = await stage.hire("bea");
    const { sequence } = await ada.tell("%model slow 2\n%model say slowly");
    const working = await ada.next("agent_working", sequence);
    expect(await ada.view()).toMatchObject({ status: "working", state: "working" });
    const ended = await ada.next("agent_turn_ended", sequence);
    expect(ended.at - working.at).toBeGreaterThan(1_500);
    if (harnessById(program.id).connection.says?.answers !== undefined) {
      const said = await ada.next("agent_said", sequence);
      expect(said).toMatchObject({ text: "slowly", epoch: 1, fidelity: "exact" });
      expect(said.at - ended.at).toBeLessThan(SAID_WITHIN_MS);
      await ada.next("agent_idle", ended.sequence);
    }
    const words = stage.watch.of("agent_said", "bea").map(({ text }) => text);
    expect(words).toEqual(harnessById(program.id).connection.says?.answers === undefined ? [] : ["slowly"]);
    return by(working);
  });

  story("seen", "the prompt that it took quotes the message", async (stage) => {
    const ada = await stage.hire("sue");
    const { messageId } = await ada.tell("%model say seen");
    const seen = await stage.watch.until("delivery_seen", (it) => it.messageId === messageId);
    await stage.modelHas(messageId);
    return seen.evidence;
  });

  story("wait", "mail that comes meanwhile is typed when the turn is over, in order", async (stage) => {
    const ada = await stage.hire("wes");
    const { sequence } = await ada.tell("%model slow 2\n%model say first");
    await ada.next("agent_working", sequence);
    const later = await Promise.all([ada.tell("%model say second"), ada.tell("%model say third")]);
    const ended = await ada.next("agent_turn_ended", sequence);
    for (const { messageId } of later) {
      const handed = await stage.watch.until("delivery_handed_over", (it) => it.messageId === messageId);
      expect(handed.sequence).toBeGreaterThan(ended.sequence);
    }
    await ada.next("agent_turn_ended", ended.sequence);
    const order = ["say first", "say second", "say third"].map((it) => stage.prompts().join("\n").indexOf(it));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order).not.toContain(-1);
    return "handed over after the turn had ended";
  });

  story("steer", "an urgent message is read long before the turn would have ended", async (stage) => {
    const ada = await stage.hire("stu");
    const { sequence } = await ada.tell(`%model slow 40\n%model say ${"slowly ".repeat(40)}`);
    await ada.next("agent_working", sequence);
    await stage.modelHas("%model slow 40");
    const { messageId, sequence: from } = await ada.tell("%model say at once", "steer");
    const interrupting = await ada.next("agent_interrupting", from);
    const handed = await stage.watch.until("delivery_handed_over", (it) => it.messageId === messageId);
    await stage.modelHas("%model say at once");
    expect(handed.at - interrupting.at).toBeLessThan(20_000);
    const ended = await ada.next("agent_turn_ended", handed.sequence);
    return `interrupted; the turn after it ended by ${by(ended)}`;
  });

  story("tokens", "what the model counted stands in the figures", async (stage) => {
    const ada = await stage.hire("tom");
    await ada.turn("%model say counted");
    const used = await ada.next("agent_tokens_used");
    expect(used.inputTokens).toBeGreaterThan(0);
    const { rows } = await stage.relay.stats("agent");
    expect(JSON.stringify(rows)).toContain("tom");
    return used.source;
  });

  story("tools", "it calls send_message, and the message is from it", async (stage) => {
    const ada = await stage.hireToTalk("tia");
    await stage.relay.client.call("agent.register", { name: "reader" });
    await ada.turn(`%model send reader "the build is green"`);
    const sent = await stage.watch.until("message_accepted", (it) => it.from === "tia");
    expect(sent).toMatchObject({ body: "the build is green", to: { kind: "agent", name: "reader" }, fromEpoch: 1 });
    expect(sent.actor?.split("/").at(-1)).toBe(stage.program.id);
    return `${sent.actor} as the origin actor`;
  });
});
