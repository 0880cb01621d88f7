import { connect } from "@agent-relay/sdk";

const relay = await connect();
const name = "import/2026-03";
const lease = await relay.leases.acquire(name, { ttlMs: 10_000, holder: `importer ${process.pid}` });

let { revision } = await relay.streams.read(name);
for (const file of ["a.csv", "b.csv"]) {
  if (lease.lost.aborted) break;
  const entries = [{ kind: "imported", data: { file } }];
  ({ revision } = await relay.streams.append(name, { expectedRevision: revision, entries, lease, summary: { file } }));
}
await lease.release();

for await (const entry of relay.streams.follow(name, { after: 0 })) {
  console.log(entry.revision, entry.kind, entry.data["file"]);
  if (entry.revision === revision) break;
}
