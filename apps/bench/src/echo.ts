/** Says back what it reads, at once: the other end of a bare terminal. */
import process from "node:process";

process.stdin.setRawMode(true);
process.stdin.on("data", (chunk: Buffer) => process.stdout.write(chunk));
process.stdout.write("ready\n");
