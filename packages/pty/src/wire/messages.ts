// The small face of zod: bundled into the host it costs 2 MB of memory and hardly any start-up time, the other 8 to 12.
import * as z from "zod/mini";

/** Raised when an older peer could misread a newer one: a host may be older than the broker that finds it. */
export const WIRE_VERSION = 2;

const Id = z.string().check(z.minLength(1), z.maxLength(512));
const Size = z.int().check(z.minimum(1), z.maximum(65_535));
const Offset = z.int().check(z.minimum(0));
const Request = z.int().check(z.minimum(0), z.maximum(0xffff_ffff));
/** Longer than any ladder or pause that makes sense, and short of the range of a timer. */
const Ms = z.number().check(z.minimum(0), z.maximum(3_600_000));
/** A NUL cannot be passed to a program; it would silently cut the string. */
const withoutNul = z.refine<string>((text) => !text.includes("\0"), "contains a NUL character");
const SystemString = z.string().check(withoutNul);

const Spec = z.object({
  id: Id,
  argv: z.tuple([SystemString.check(z.minLength(1))], SystemString),
  cwd: SystemString,
  env: z.record(SystemString.check(z.regex(/^[^=]+$/u)), SystemString),
  stdio: z.enum(["terminal", "pipes"]),
  cols: Size,
  rows: Size,
});

const Step = z.discriminatedUnion("type", [
  z.object({ type: z.literal("data"), data: z.string() }),
  z.object({ type: z.literal("pause"), ms: Ms }),
  z.object({ type: z.literal("end") }),
]);

const Steps = z.array(Step).check(z.maxLength(10_000));

/** What a client may ask; it may also say `hello` and `got`, which have no answer. `n` comes back in the answer. */
export const RequestMessage = z.discriminatedUnion("op", [
  z.object({ n: Request, op: z.literal("spawn"), spec: Spec }),
  z.object({
    n: Request,
    op: z.literal("write"),
    id: Id,
    writeId: Id,
    steps: Steps,
  }),
  z.object({ n: Request, op: z.literal("writeState"), id: Id, writeId: Id }),
  z.object({ n: Request, op: z.literal("resize"), id: Id, cols: Size, rows: Size }),
  z.object({ n: Request, op: z.literal("signal"), id: Id, signal: z.string().check(z.regex(/^SIG[A-Z0-9]+$/u)) }),
  z.object({
    n: Request,
    op: z.literal("terminate"),
    id: Id,
    polite: z.optional(Steps),
    politeMs: Ms,
    termMs: Ms,
  }),
  z.object({ n: Request, op: z.literal("list") }),
  z.object({ n: Request, op: z.literal("read"), id: Id, fromOffset: Offset }),
  z.object({ n: Request, op: z.literal("readErrors"), id: Id }),
  z.object({ n: Request, op: z.literal("usage"), id: Id }),
  z.object({ n: Request, op: z.literal("forget"), id: Id }),
  z.object({ n: Request, op: z.literal("shutdown") }),
]);
export type RequestMessage = z.infer<typeof RequestMessage>;

const Hello = z.object({ op: z.literal("hello"), version: z.int() });
/** The client has made use of the output of a program on pipes from one offset up to the other. */
const Got = z.object({ op: z.literal("got"), id: Id, from: Offset, to: Offset });
export const ClientMessage = z.discriminatedUnion("op", [Hello, Got, ...RequestMessage.def.options]);

/** The `n` of anything that has one, so that a request that does not fit can still be answered. */
export const Numbered = z.object({ n: Request });

const Ending = z.object({ code: z.optional(z.int()), signal: z.optional(z.string()), at: z.number() });
export const InfoMessage = z.object({
  id: Id,
  pid: z.int(),
  startedAt: z.number(),
  stdio: z.enum(["terminal", "pipes"]),
  cols: z.int(),
  rows: z.int(),
  firstOffset: Offset,
  nextOffset: Offset,
  bracketedPaste: z.boolean(),
  ending: z.optional(Ending),
});
export type InfoMessage = z.infer<typeof InfoMessage>;

const FaultMessage = z.object({
  code: z.string(),
  message: z.string(),
  retry: z.enum(["never", "later", "backoff"]),
  hint: z.optional(z.string()),
});

/** What a host says. The answers to `read` and `readErrors` are binary frames, and so is output. */
export const HostMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("hello"), version: z.int(), pid: z.int() }),
  z.object({ type: z.literal("answer"), n: Request, value: z.unknown() }),
  z.object({ type: z.literal("fault"), n: Request, fault: FaultMessage }),
  z.object({ type: z.literal("exited"), id: Id, ending: Ending }),
  z.object({ type: z.literal("replaced") }),
]);
export type HostMessage = z.infer<typeof HostMessage>;

/** What the answers to requests look like. */
export const answers = {
  spawn: InfoMessage,
  write: z.literal("drained"),
  writeState: z.enum(["pending", "drained", "failed", "unknown"]),
  list: z.array(InfoMessage),
  usage: z.nullable(z.object({ memoryBytes: z.number(), processes: z.int() })),
  nothing: z.null(),
} as const;
