/** Output of one terminal that can be read again; more than any screen, little enough for two hundred agents. */
export const RING_BYTES_MAX = 1024 * 1024;

/** Output of one program on pipes that can be read again. */
export const PIPE_RING_BYTES_MAX = 8 * 1024 * 1024;

/** So far may a program on pipes run ahead of every client before it has to wait. */
export const PIPE_AHEAD_BYTES_MAX = 6 * 1024 * 1024;

/**
 * So far when it has ended: its last output comes out of the kernel, which holds a quarter of a mebibyte. What is left of
 * the ring is what clients got already; one that died may have got more than it made use of.
 */
export const PIPE_AHEAD_AT_END_BYTES_MAX = 7 * 1024 * 1024;

/** Standard error of one program on pipes that can be read again: the reason why it ended, with its stack. */
export const ERROR_BYTES_MAX = 64 * 1024;

/** Output in one answer; a client asks again for more. Fits into a frame. */
export const READ_BYTES_MAX = 1024 * 1024;

/** Bytes of writes that may wait for one program. */
export const WRITE_BYTES_WAITING_MAX = 1024 * 1024;

/** Writes that may wait for one program; fewer than are remembered, so that a waiting one is never forgotten. */
export const WRITES_WAITING_MAX = 63;

/** Writes of one terminal whose outcome can be asked for. */
export const WRITES_REMEMBERED_MAX = 64;

/** A program that has read nothing for so long is not going to; people's pauses at a prompt do not stop a program from reading. */
export const WRITE_TIMEOUT_MS = 10_000;
