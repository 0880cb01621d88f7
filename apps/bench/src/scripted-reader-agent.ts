/** An agent that reads at once: it reports each marked message with the monotonic time of its arrival. */
import { connect } from "node:net";
import process from "node:process";

const report = connect(process.env["BENCH_SOCKET"] ?? "");
let rest = "";
process.stdin.setRawMode(true);
process.stdin.on("data", (chunk: Buffer) => {
  const now = process.hrtime.bigint();
  const text = rest + chunk.toString("latin1");
  let lines = "";
  for (const match of text.matchAll(/bench:(\d+);/gu)) lines += `${match[1]} ${now}\n`;
  // A mark may be cut in two by the end of a chunk.
  rest = text.slice(Math.max(text.lastIndexOf(";") + 1, text.length - 16));
  if (lines.length > 0) report.write(lines);
});
process.stdout.write("ready\n");
