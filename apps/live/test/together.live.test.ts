/** Together: two programs of different makers in one channel. */
import { expect } from "vitest";
import { partnerOf } from "../src/programs/all-programs.ts";
import { forEachProgram } from "../src/story.ts";

forEachProgram(
  ({ program, story }) => {
    const partner = partnerOf(program);
    story("together", `it writes to a channel, ${partner.id} answers, and it reads the answer`, async (stage) => {
      const channels = ["room"];
      const [ada] = await Promise.all([
        stage.hireToTalk("ada", { channels }),
        stage.hire("bob", { channels, cli: partner.command }),
      ]);
      await ada.tell(`%model send #room ${JSON.stringify('%model reply "I have heard you"')}`);
      const said = await stage.watch.until("message_accepted", (it) => it.from === "ada");
      expect(said).toMatchObject({ to: { kind: "channel", name: "room" }, recipients: ["bob"] });
      expect(said.actor?.split("/").at(-1)).toBe(program.id);
      const reply = await stage.watch.until("message_accepted", (it) => it.from === "bob");
      expect(reply).toMatchObject({ body: "I have heard you", replyTo: said.messageId, threadId: said.messageId });
      expect(reply.actor?.split("/").at(-1)).toBe(partner.id);
      await stage.watch.until("delivery_answered", (it) => it.messageId === said.messageId);
      await stage.watch.until("delivery_handed_over", (it) => it.messageId === reply.messageId && it.agent === "ada");
      await stage.modelHas("I have heard you");
      return `with ${partner.id}, in a channel and a thread`;
    });
  },
  { withPartner: true },
);
