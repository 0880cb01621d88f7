/** Mail: what becomes of a text between its sender and the model. */
import { expect } from "vitest";
import { forEachProgram } from "../src/story.ts";

const shapes = [
  ["sixty lines", Array.from({ length: 60 }, (_, line) => `line ${line + 1} of a long report`).join("\n")],
  ["a slash", "/exit now"],
  ["an exclamation mark", "!touch shell-mode"],
  ["a hash and an at sign", "# remember this\n@everyone reads it"],
  ["emoji", "a fox 🦊, a family 👩‍👩‍👧‍👦, a flag 🇫🇷"],
  ["Chinese, Japanese, Korean", "漢字とかな 한글 — 測試"],
] as const;

forEachProgram(({ program, story }) => {
  story("shapes", "each text stands before the model as it was sent", async (stage) => {
    const ada = await stage.hire("ada");
    for (const [, body] of shapes) {
      const before = stage.prompts().length;
      await ada.turn(body);
      expect(stage.prompts().slice(before).join("\n")).toContain(program.arrives?.(body) ?? body);
    }
    return shapes.map(([what]) => what).join("; ");
  });

  story("controls", "control characters are gone, and nothing was done by them", async (stage) => {
    const ada = await stage.hire("cleo");
    await ada.turn("one\u001b]0;taken over\u0007 two\u0003 three\u0004 four\u001b[201~\rfive\u0015 six\u009b2J");
    const prompt = stage.prompts().at(-1) ?? "";
    for (const word of ["one", "two", "three", "four", "five", "six"]) expect(prompt).toContain(word);
    expect(prompt.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/u);
    expect(await ada.view()).toMatchObject({ pid: ada.pid, status: "idle" });
    return "Ctrl-C, Ctrl-D, a title and the end of a paste were taken out";
  });

  story("draft", "a half-written sentence stays whole, and mail comes after it or beside it", async (stage) => {
    const ada = await stage.hire("dora");
    await ada.turn("%model say hello");
    await ada.type("half a ");
    const begun = await ada.next("agent_draft_begun");
    const { messageId, sequence } = await ada.tell("%model say relayed");
    if (program.takesMailBesideDraft === true) await ada.next("agent_turn_ended", sequence);
    const pending = program.takesMailBesideDraft === true ? 0 : 1;
    expect(await ada.view()).toMatchObject({ drafting: true, heldBy: null, pending });
    await ada.type("sentence");
    await ada.type("\r");
    const ended = await ada.next("agent_draft_ended", begun.sequence);
    await stage.modelHas("%model say relayed");
    await stage.modelHas("half a");
    const own = stage.prompts().find((it) => it.includes("half a"));
    expect(own).toContain("half a sentence");
    expect(own).not.toContain("relayed");
    const attempt = await stage.watch.until("delivery_attempt_started", (it) => it.messageId === messageId);
    if (program.takesMailBesideDraft === true) {
      await stage.watch.until("delivery_seen", (it) => it.messageId === messageId && it.sequence < ended.sequence);
      return `the message went in by ${attempt.route}, and the draft stayed`;
    }
    expect(attempt.sequence).toBeGreaterThan(ended.sequence);
    return "the message waited for the draft";
  });

  story("neighbours", "two in one directory: each its own mail, session and name", async (stage) => {
    await stage.relay.client.call("agent.register", { name: "reader" });
    const pair = await Promise.all([stage.hireToTalk("nan"), stage.hireToTalk("ned")]);
    await Promise.all(pair.map((it) => it.turn(`%model send reader "this is ${it.name}"`)));
    for (const { name } of pair) {
      const sent = await stage.watch.until("message_accepted", (it) => it.body === `this is ${name}`);
      expect(sent.from).toBe(name);
    }
    const sessions = await Promise.all(pair.map(async (it) => (await it.view()).sessionId));
    expect(new Set(sessions).size).toBe(2);
    return "two sessions, each message from its own name";
  });
});
