import { connect } from "@agent-relay/sdk";

const relay = await connect();
for await (const chunk of relay.agent("ada").output()) {
  if (chunk.type === "output") process.stdout.write(chunk.data);
  else process.stdout.write(`\n[${chunk.to - chunk.from} bytes are not kept any more]\n`);
}
