/** Context: how full the program's window is, and what happens when it makes room. */
import { expect } from "vitest";
import { by, forEachProgram } from "../src/story.ts";

forEachProgram(({ program, story }) => {
  const used = (part: number): string => `%model usage ${Math.round((program.contextWindow ?? 200_000) * part)}`;

  story("context", "20, 10 and 5 percent are told once each", async (stage) => {
    const ada = await stage.hire("ada");
    let after = 0;
    for (const [part, threshold] of [
      [0.83, 20],
      [0.92, 10],
      [0.955, 5],
    ] as const) {
      await ada.turn(`${used(part)}\n%model say more`);
      const low = await ada.next("agent_context_low", after);
      expect(low).toMatchObject({ threshold, fidelity: "exact" });
      after = low.sequence;
    }
    expect(stage.watch.of("agent_context_low", "ada")).toHaveLength(3);
    return by(stage.watch.of("agent_context_low", "ada")[0] ?? { source: "" });
  });

  story("compaction", "after a compaction the same threshold is told again", async (stage) => {
    const ada = await stage.hire("cody");
    const long = program.compactsAfterCharacters ?? 0;
    for (let told = 0; told < long; told += 40_000) await ada.turn(`${"words ".repeat(6_667)}\n%model say I see`);
    await ada.turn(`${used(0.83)}\n%model say much`);
    const first = await ada.next("agent_context_low");
    const compacting = ada.next("agent_compacted", first.sequence);
    if (program.compact === undefined) await ada.turn("%model say make room");
    else {
      await ada.type(program.compact);
      await ada.next("agent_draft_begun");
      await ada.press("\r", compacting);
    }
    const compacted = await compacting;
    await ada.until((it) => it.status === "idle", "it is idle after the compaction");
    await ada.turn(`${used(0.83)}\n%model say much again`);
    const second = await ada.next("agent_context_low", compacted.sequence);
    expect(second.threshold).toBe(20);
    return by(compacted);
  });
});
