import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { Fault } from "@agent-relay/kernel";

/** `sun_path` has 108 bytes on Linux and 104 on macOS, the closing NUL included. */
const SOCKET_PATH_BYTES_MAX = process.platform === "darwin" ? 103 : 107;

export function checkSocketPath(socketPath: string): void {
  const bytes = Buffer.byteLength(socketPath);
  if (bytes <= SOCKET_PATH_BYTES_MAX) return;
  throw new Fault({
    code: "socket_path_too_long",
    message: `The socket path ${socketPath} has ${bytes} bytes; the system allows ${SOCKET_PATH_BYTES_MAX}.`,
    hint: "Choose a directory with a shorter path.",
  });
}

/** Makes the directory of the socket, for its owner alone. Whoever can reach the socket can type into every terminal. */
export function prepareSocketDirectory(socketPath: string): void {
  const directory = dirname(socketPath);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { mode, uid } = statSync(directory);
  if ((mode & 0o077) === 0 && uid === process.getuid?.()) return;
  throw new Fault({
    code: "state_unwritable",
    message: `The directory ${directory} of the socket must belong to you and be closed to others (mode 0700).`,
    hint: `Run: chmod 700 ${directory}`,
  });
}
