/** Ends: the ways in which a program's life can go on or not. */
import process from "node:process";
import { isAlive, commandLineOf, until } from "@agent-relay/e2e/stage";
import { expect } from "vitest";
import { forEachProgram } from "../src/story.ts";

forEachProgram(({ program, story }) => {
  story("leaves", "a person has it leave: clean, and it is not started again", async (stage) => {
    const ada = await stage.hire("lea", { restart: { when: "on-crash", delayMs: 0 } });
    await ada.turn("%model say hello");
    await ada.type(program.leave);
    await ada.next("agent_draft_begun");
    const exit = await ada.press("\r", ada.next("agent_exited"));
    expect(exit).toMatchObject({ reason: "clean", code: 0, class: "normal" });
    await stage.hire("marker");
    const after = stage.watch.events.filter((it) => it.stream === "agent/lea" && it.sequence > exit.sequence);
    expect(after.map((it) => it.type)).toEqual([]);
    return "exit status 0";
  });

  story("killed", "its process is killed: told at once; the next one knows the conversation", async (stage) => {
    const ada = await stage.hire("kim", { restart: { when: "on-crash", delayMs: 0 } });
    await ada.turn("%model say the old days");
    // Counted from the program's own record: the conversation is on the disk.
    await ada.next(program.cannot.tokens === undefined ? "agent_tokens_used" : "agent_idle");
    const { sessionId } = await ada.view();
    const killedAt = Date.now();
    process.kill(ada.pid, "SIGKILL");
    const exit = await ada.next("agent_exited");
    expect(exit).toMatchObject({ reason: "signal", signal: "SIGKILL", class: "crash" });
    expect(exit.at - killedAt).toBeLessThan(5_000);
    const spawning = await ada.next("agent_spawning", exit.sequence);
    expect(spawning).toMatchObject({ epoch: 2, resume: sessionId });
    await ada.next("agent_ready", spawning.sequence);
    await ada.tell("%model say and now");
    await stage.modelHas("%model say and now");
    const request = stage.model.requests().findLast((it) => it.asked?.text.includes("%model say and now"));
    expect(JSON.stringify(request?.body)).toContain("the old days");
    return `told after ${exit.at - killedAt} ms; session ${sessionId?.slice(0, 8)}… resumed, its old prompt before the model`;
  });

  story("broker", "the broker is killed: the same program goes on, and a message comes once", async (stage) => {
    const ada = await stage.hire("bob");
    await ada.turn("%model say before");
    await stage.killBroker();
    expect(isAlive(ada.pid)).toBe(true);
    await stage.startBroker();
    const view = await ada.until((it) => it.status === "idle", "it is idle under the new broker");
    expect(view).toMatchObject({ pid: ada.pid, epoch: ada.epoch });
    await ada.turn("%model say after the storm");
    const asked = stage.model.requests().filter((it) => it.asked?.text.includes("after the storm"));
    expect(asked.filter((it) => it.asked?.toolResults === 0 && it.asked.purpose === "turn")).toHaveLength(1);
    expect(JSON.stringify(asked.at(-1)?.body)).toContain("say before");
    return "the same pid and epoch, one prompt";
  });

  story("release", "its tools, and what they have started, are gone with it", async (stage) => {
    const ada = await stage.hire("ruth", { permissionMode: "bypass", env: { IS_SANDBOX: "1" } });
    await ada.tell("%model shell tail -f /dev/null & tail -f /dev/null");
    const children = (): readonly number[] =>
      stage.processes().filter((it) => commandLineOf(it).startsWith("tail -f "));
    await until(() => children().length === 2, "both children of its tool run");
    const family = [ada.pid, ...children()];
    await stage.command("release", "ruth");
    expect(family.filter(isAlive).map(commandLineOf)).toEqual([]);
    expect(await stage.strike(stage.relay)).toEqual([]);
    const exit = await ada.next("agent_exited");
    expect(exit).toMatchObject({ reason: "released", class: "stopped" });
    return `${exit.signal === null ? `it left with ${exit.code}` : `ended with ${exit.signal}`}; two children of its shell tool gone`;
  });
});
