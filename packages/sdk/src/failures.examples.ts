import { connect, isRelayError } from "@agent-relay/sdk";

const relay = await connect();
try {
  await relay.send({ to: "ada", body: "hello", until: "answered", timeoutMs: 60_000 });
} catch (error) {
  if (isRelayError(error, "unknown_agent")) console.log("did you mean", error.data?.["nearest"]);
  else if (isRelayError(error, "timeout")) console.log("accepted, but not answered yet", error.data?.["receipt"]);
  else throw error;
}
