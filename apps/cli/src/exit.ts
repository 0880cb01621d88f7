/** Leaves the process. Output to files, pipes and terminals is written synchronously, so nothing is cut off. */
export function leave(code: number): never {
  process.exit(code);
}
