/**
 * The place of the control socket in the file system: the one thing that decides who is the operator.
 *
 *   K1  The directory belongs to this user and nobody else may enter it.
 *   K2  Only a socket is ever replaced.
 */
import { chmod, lstat, mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { codeOf } from "@agent-relay/kernel";
import { relayError } from "@agent-relay/protocol";

/** `sun_path` of sockaddr_un has 108 bytes on Linux and 104 on macOS, one of them for the terminating zero. */
const pathBytesMax = process.platform === "darwin" ? 103 : 107;

/**
 * Makes the directory if need be and removes the socket of an earlier broker. The caller holds the lock that says that
 * no broker runs. Throws a `RelayError`: `socket_path_too_long`, `state_unwritable`.
 */
export async function prepareSocketPath(socketPath: string): Promise<void> {
  const bytes = Buffer.byteLength(socketPath);
  if (bytes > pathBytesMax) {
    throw relayError(
      "socket_path_too_long",
      `expected a socket path of at most ${pathBytesMax} bytes, found ${bytes}: ${socketPath}`,
      {
        hint: "Choose a shorter runtime directory.",
      },
    );
  }
  const directory = dirname(socketPath);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await requirePrivate(directory);
    await removeOldSocket(socketPath);
  } catch (cause) {
    if (codeOf(cause) === "state_unwritable") throw cause;
    throw relayError(
      "state_unwritable",
      `the directory ${directory} of the socket cannot be used (${String(codeOf(cause))})`,
      { cause },
    );
  }
}

/** After listening; until then the directory alone keeps others out. */
export async function protectSocket(socketPath: string): Promise<void> {
  await chmod(socketPath, 0o600);
}

async function requirePrivate(directory: string): Promise<void> {
  const found = await lstat(directory);
  if (!found.isDirectory())
    throw relayError("state_unwritable", `expected a directory, found something else: ${directory}`);
  const user = process.getuid?.();
  if (user !== undefined && found.uid !== user) {
    throw relayError(
      "state_unwritable",
      `expected a directory of user ${user}, found one of user ${found.uid}: ${directory}`,
      {
        hint: "Remove it, or choose another runtime directory.",
      },
    );
  }
  const mode = found.mode & 0o777;
  if ((mode & 0o077) !== 0) {
    throw relayError(
      "state_unwritable",
      `expected a directory with mode 700, found ${mode.toString(8)}: ${directory}`,
      {
        hint: `Run: chmod 700 ${directory}`,
      },
    );
  }
}

async function removeOldSocket(socketPath: string): Promise<void> {
  try {
    const found = await lstat(socketPath);
    if (!found.isSocket())
      throw relayError("state_unwritable", `expected a socket or nothing, found another kind of file: ${socketPath}`, {
        hint: "Remove it, if it is not needed elsewhere.",
      });
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return;
    throw cause;
  }
  await rm(socketPath, { force: true });
}
