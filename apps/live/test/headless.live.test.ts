/** Headless: the same program on pipes. */
import { existsSync } from "node:fs";
import path from "node:path";
import { harnessById } from "@agent-relay/harness";
import { expect } from "vitest";
import { by, forEachProgram } from "../src/story.ts";

forEachProgram(({ program, story }) => {
  story("headless", "it takes turns, proves what it has seen and calls tools", async (stage) => {
    await stage.relay.client.call("agent.register", { name: "reader" });
    // A program that takes one prompt and ends is started again for the next one.
    const isOneShot = harnessById(program.id).headless?.kind === "one-shot";
    const ada = await stage.hireToTalk("hal", {
      runtime: "headless",
      ...(isOneShot ? { restart: { when: "always", delayMs: 0 } } : {}),
    });
    const { messageId, sequence } = await ada.tell('%model send reader "from the pipes"');
    const { traits } = await ada.next("agent_spawning");
    const seen = traits.provesSeen
      ? (await stage.watch.until("delivery_seen", (it) => it.messageId === messageId)).evidence
      : "a reply at most";
    const ended = await ada.next("agent_turn_ended", sequence);
    const sent = await stage.watch.until("message_accepted", (it) => it.from === "hal");
    expect(sent).toMatchObject({ body: "from the pipes" });
    if (isOneShot) {
      const exit = await ada.next("agent_exited", ended.sequence);
      expect(exit).toMatchObject({ reason: "clean", code: 0 });
      await ada.next("agent_ready", exit.sequence);
    } else await ada.next("agent_idle", ended.sequence);
    const second = await ada.turn("%model say a second turn");
    await stage.modelHas("a second turn");
    const words = stage.watch.of("agent_said", "hal").map(({ text, sequence }) => ({ text, sequence }));
    expect(words.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^Done after 1 tool result: /u),
      "a second turn",
    ]);
    expect(words[1]?.sequence).toBeLessThan(second.sequence);
    const request = stage.model.requests().findLast((it) => it.asked?.text.includes("a second turn"));
    expect(JSON.stringify(request?.body)).toContain("from the pipes");
    return `seen by ${seen}, turns by ${by(ended)}${isOneShot ? "; a process for each turn, one conversation" : ""}`;
  });

  story("headlessAnswers", "it asks for a permission, and approve and deny answer", async (stage) => {
    const ada = await stage.hire("hank", { runtime: "headless" });
    for (const [verdict, file] of [
      ["approve", "made-4"],
      ["deny", "made-5"],
    ] as const) {
      const { sequence } = await ada.tell(`${program.asksToMake(file)}\n%model say done`);
      const blocked = await ada.next("agent_blocked", sequence);
      expect(blocked).toMatchObject({ kind: "permission", answerable: true });
      expect(blocked.what).toContain(`touch ${file}`);
      await stage.command(verdict, "hank");
      await ada.next("agent_turn_ended", blocked.sequence);
      expect(existsSync(path.join(stage.project, file))).toBe(verdict === "approve");
    }
    return "an answer in its own language";
  });
});
