import { connect } from "@agent-relay/sdk";

const relay = await connect();
const cursorOfLastTime = 0;
const filter = { types: ["agent_exited", "agent_permanently_dead", "agent_idle"] };
for await (const event of relay.events({ from: cursorOfLastTime, filter })) {
  if (event.type === "agent_exited") console.log(event.agent, event.reason, event.code, event.signal);
  if (event.type === "agent_idle") console.log(event.agent, "is idle since", new Date(event.since));
  console.log("read on from", event.sequence);
}
