/**
 * Errors of the machine that its own words do not explain: what is the matter, and what to do.
 *
 *   E1  It needs nothing that is loaded later: it explains why that cannot be loaded, too.
 */

export interface Explained {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** Nothing for an error whose own message says enough, and for what is no error of the machine. */
export function explainSystemError(error: unknown): Explained | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  if (error.code === "EMFILE")
    return {
      code: "EMFILE",
      message: "this process may not open as many files as it needs",
      hint: "allow more in this shell: ulimit -n 1024",
    };
  if (error.code === "ENFILE")
    return {
      code: "ENFILE",
      message: "this machine has as many files open as it allows",
      hint: "end programs that hold many files open, or raise the limit of the system",
    };
  if (error.code === "ENOENT" && "syscall" in error && error.syscall === "uv_cwd")
    return {
      code: "ENOENT",
      message: "the current directory is there no more",
      hint: "change to a directory that is there; agent-relay finds the project upwards from it",
    };
  return undefined;
}
