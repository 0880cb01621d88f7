import { connect } from "@agent-relay/sdk";

const relay = await connect({ start: true });
const ada = await relay.claude.spawn({ name: "ada", task: "Read the tests and tell me which ones are slow." });
relay.on("agent_context_low", (event) => console.log(`${event.agent} has ${event.pct} % of its context left`));
console.log(await ada.waitForExit());
