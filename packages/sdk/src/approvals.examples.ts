import { connect, isRelayError } from "@agent-relay/sdk";

const relay = await connect();
const harmless = /^Bash\((?:ls|git (?:status|diff|log))\b/;
relay.on("agent_blocked", async ({ agent, sequence, kind, what, answerable }) => {
  if (kind !== "permission" || !answerable || what === undefined || !harmless.test(what)) return;
  try {
    await relay.agent(agent).approve({ block: sequence });
  } catch (error) {
    // A person was faster, or it ended: both are answers.
    if (!isRelayError(error, "already_answered") && !isRelayError(error, "not_blocked")) throw error;
  }
});
