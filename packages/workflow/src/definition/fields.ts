/** What several fields of a document have in common: names, durations, texts. */
import { z } from "zod";

/** Names stand in file names, process names and channels, so they are plain. */
export const Word = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/u,
    "expected a name of 1 to 64 letters, digits, '-', '_' and '.', starting with a letter or digit",
  );

export const AgentRef = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/u,
    "expected an agent's name of 1 to 40 letters, digits, '-' and '_', starting with a letter or digit",
  );

/** Only the declaration of a step has to be a good name; whoever names it is told whether there is such a step. */
export const StepRef = z.string().min(1).max(200);

/** The broker's own rule for channels, with what to do about it. */
export const ChannelRef = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,39}$/u,
    "expected a channel name of 1 to 40 characters out of a-z, 0-9, '-' and '_', without the '#'",
  );

export const VarName = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/u,
    "expected a variable's name: letters, digits, '_' and '-', not starting with a digit",
  );

/** What timers take: 2^31 - 1 milliseconds, a good 24 days. */
const durationMsMax = 2_147_483_647;

export const DurationMs = z.number().int().min(1).max(durationMsMax);

export const DelayMs = z.number().int().min(0).max(durationMsMax);

export const Count = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

/** One argument of a program may be 128 KiB on Linux; prompts go the same way. */
const textCharactersMax = 100_000;

export const Text = z.string().min(1).max(textCharactersMax);

export const Command = z
  .string()
  .min(1)
  .max(textCharactersMax)
  // oxlint-disable-next-line no-control-regex -- a NUL would end the argument.
  .regex(/^[^\0]*$/u, "a command cannot contain a NUL character");
