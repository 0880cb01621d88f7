import { connect } from "@agent-relay/sdk";

const relay = await connect({ start: true, as: "lead" });

const [writer, reviewer] = await Promise.all([
  relay.codex.spawn({ name: "writer", cwd: "packages/api", permissionMode: "auto" }),
  relay.claude.spawn({ name: "reviewer", model: "haiku", channels: ["reviews"] }),
]);
await Promise.all([writer.waitForReady(), reviewer.waitForReady()]);

const receipt = await writer.send("Add pagination to the list endpoint, then write to me.", { until: "seen" });
console.log(receipt.messageId, receipt.deliveries?.map(({ agent, stage, evidence }) => ({ agent, stage, evidence })));

for await (const message of relay.inbox.messages()) {
  console.log(`${message.from}: ${message.body}`);
  await reviewer.send(`Please review what ${message.from} did:\n\n${message.body}`);
  await relay.reply(message.messageId, "Thank you, it is being reviewed.");
  await relay.inbox.ack(message.messageId);
  break;
}

await relay.waitAny([writer, reviewer], { until: "idle", timeoutMs: 600_000 });
await writer.release("done");
await relay.close();
