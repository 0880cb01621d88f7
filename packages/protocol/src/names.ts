import { z } from "zod";

/**
 * A name is typed by people, shown in tables and used in file names, so it is plain: lower-case letters, digits,
 * `-` and `_`, starting with a letter or digit, at most 40 characters.
 */
const plainName = /^[a-z0-9][a-z0-9_-]{0,39}$/;

/** Names that address something other than an agent. `operator` is the person at the keyboard. */
export const reservedNames = ["all", "broker", "everyone", "here", "system"] as const;

export const operatorName = "operator";

export const AgentName = z
  .string()
  .regex(
    plainName,
    "expected a name of 1 to 40 characters out of a-z, 0-9, '-' and '_', starting with a letter or digit",
  )
  .refine((name) => !(reservedNames as readonly string[]).includes(name), "this name is reserved; choose another");

export const ChannelName = z
  .string()
  .regex(plainName, "expected a channel name of 1 to 40 characters out of a-z, 0-9, '-' and '_', without the '#'");

export const MessageId = z.string().regex(/^msg_[0-9a-z]{10,40}$/, "expected a message id such as msg_01k…");

/** What the broker itself keeps streams of; a client's stream or lease is never called so. */
export const ownStreamKinds = ["agent", "broker", "channel", "lease", "message", "reader"] as const;

/**
 * A kind and a name of one's own: `run/01k…`. One pattern says it all, so that the JSON Schema says it too.
 */
const lentName = new RegExp(`^(?!(?:${ownStreamKinds.join("|")})/)[a-z]{1,32}/[A-Za-z0-9._:-]{1,128}$`, "u");
const lentNameIs = `letters a-z, '/', then 1 to 128 characters out of A-Z, a-z, 0-9, '.', '_', ':' and '-', not beginning with ${ownStreamKinds.map((it) => `'${it}/'`).join(", ")}`;

/** A stream that a client writes. */
export const StreamName = z.string().regex(lentName, `expected a name of a stream such as run/01k…: ${lentNameIs}`);

/** A lease that a client takes; often that of the stream of the same name. */
export const LeaseName = z.string().regex(lentName, `expected a name of a lease such as run/01k…: ${lentNameIs}`);

/** Chosen by the client; the same id twice is the same command. */
export const CommandId = z.string().regex(/^[\x21-\x7e]{8,128}$/, "expected 8 to 128 visible ASCII characters");

export type AgentName = z.infer<typeof AgentName>;
export type ChannelName = z.infer<typeof ChannelName>;
export type MessageId = z.infer<typeof MessageId>;
export type CommandId = z.infer<typeof CommandId>;
export type StreamName = z.infer<typeof StreamName>;
export type LeaseName = z.infer<typeof LeaseName>;
