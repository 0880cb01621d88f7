/** Output of one terminal that can be read again; more than any screen, little enough for two hundred agents. */
export const RING_BYTES_MAX = 1024 * 1024;

/** Bytes of writes that may wait for one program. */
export const WRITE_BYTES_WAITING_MAX = 1024 * 1024;

/** Writes that may wait for one program; fewer than are remembered, so that a waiting one is never forgotten. */
export const WRITES_WAITING_MAX = 63;

/** Writes of one terminal whose outcome can be asked for. */
export const WRITES_REMEMBERED_MAX = 64;

/** A program that has read nothing for so long is not going to; people's pauses at a prompt do not stop a program from reading. */
export const WRITE_TIMEOUT_MS = 10_000;
