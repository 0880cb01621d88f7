/**
 * A broker's stand-in that keeps what it gets: appends the output of program `a` to a file, from where that file ends, and
 * waits to be killed. Prints `more` for each mebibyte, and `done` after the program's end.
 */
import { appendFileSync, statSync } from "node:fs";
import { connectPtyHost } from "../src/index.ts";

const [socketPath, file] = process.argv.slice(2);
if (socketPath === undefined || file === undefined) throw new Error("usage: <socket> <file>");

let next = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
let told = next;
/** What came before the answer to the first question. */
let early: { readonly offset: number; readonly data: Uint8Array }[] | undefined = [];

const take = (offset: number, data: Uint8Array): void => {
  const fresh = data.subarray(Math.max(0, next - offset));
  if (offset > next) throw new Error(`A gap: ${offset} after ${next}.`);
  if (offset + data.length <= next) return;
  appendFileSync(file, fresh);
  next += fresh.length;
  if (next - told < 1024 * 1024) return;
  told = next;
  process.stdout.write("more\n");
};

const host = await connectPtyHost({ socketPath });
host.subscribe((event) => {
  if (event.type === "output" && early !== undefined) early.push(event);
  else if (event.type === "output") take(event.offset, event.data);
  else if (event.type === "exited") process.stdout.write("done\n");
});
const kept = await host.read("a", next);
take(kept.offset, kept.data);
for (const { offset, data } of early) take(offset, data);
early = undefined;
if ((await host.list())[0]?.ending !== undefined) {
  const rest = await host.read("a", next);
  take(rest.offset, rest.data);
  process.stdout.write("done\n");
}
