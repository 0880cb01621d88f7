/** For tests that hold work to a time in proportion to its size. */
import process from "node:process";

/** Does work, and tells what it takes of the processor. How long the machine stands still meanwhile is not its doing. */
export function timed<Result>(work: () => Result): { readonly result: Result; readonly processorMs: number } {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  return { result, processorMs: (user + system) / 1_000 };
}
