/** Everything that can be asked of the core, by clients and by the world. Time, ids and chance come inside. */
import type {
  Address,
  BlockKind,
  DeliveryMode,
  DeliveryTraits,
  ErrorEnvelope,
  ExitReason,
  Fidelity,
  LaunchSpec,
  PermissionMode,
  Route,
  Runtime,
  Verdict,
  StepVerdict,
} from "@agent-relay/protocol";

/** A refusal is the envelope itself: code, what was expected and found, what to do. */
export type Refusal = ErrorEnvelope;

export interface Sighting {
  readonly source: string;
  readonly fidelity: Fidelity;
}

/** What was seen of a program, by its own signals or on its screen. */
export type Observation =
  | ({ readonly type: "ready" | "working" | "turn_ended" | "unblocked" } & Sighting)
  | ({
      readonly type: "blocked";
      readonly kind: BlockKind;
      readonly what?: string;
      /** Whether an answer can be given from outside the program's terminal. */
      readonly answerable: boolean;
    } & Sighting)
  | ({ readonly type: "context"; readonly pctLeft: number } & Sighting)
  /**
   * The program took a prompt; these message ids were in it, and none if a person typed it. `evidence` says how it was
   * shown, `prompt_hook` if it does not.
   */
  | ({
      readonly type: "prompt";
      readonly messageIds: readonly string[];
      readonly evidence?: "prompt_hook" | "transcript" | "turn_started";
    } & Sighting)
  /** What its model answered, as the program reports it. */
  | ({ readonly type: "said"; readonly text: string } & Sighting)
  /** The program's own conversation has this id. */
  | ({ readonly type: "session"; readonly sessionId: string } & Sighting)
  /** The conversation was replaced by a summary. */
  | ({ readonly type: "compacted" } & Sighting)
  /** What the model took and gave since the last time this was told. */
  | ({
      readonly type: "tokens";
      readonly inputTokens: number;
      /** The part of `inputTokens` that came from a cache. */
      readonly cachedInputTokens: number;
      readonly outputTokens: number;
      readonly model?: string | undefined;
    } & Sighting)
  /** How mail goes in from now on. */
  | ({ readonly type: "route"; readonly route: Route } & Sighting)
  /** Whether a person's unsent text stands in the composer. */
  | ({ readonly type: "draft"; readonly present: boolean } & Sighting);

interface Timed {
  readonly at: number;
}

export type ClientCommand = Timed &
  (
    | {
        readonly type: "agent.spawn";
        readonly name: string;
        readonly launch: LaunchSpec;
        readonly harness: string | undefined;
        readonly runtime: Runtime;
        readonly traits: DeliveryTraits;
        readonly by: string;
        /** Id for the message that carries the task, if there is one. */
        readonly taskMessageId: string;
      }
    | { readonly type: "agent.register"; readonly name: string; readonly by: string }
    | {
        readonly type: "agent.end";
        readonly name: string;
        readonly how: "release" | "kill";
        readonly reason?: string;
        readonly by: string;
      }
    | {
        readonly type: "agent.hold";
        readonly name: string;
        readonly leaseId: string;
        readonly holder: string;
        readonly ttlMs: number;
        readonly takeOver: boolean;
      }
    | { readonly type: "agent.unhold"; readonly name: string; readonly leaseId: string }
    | {
        readonly type: "agent.answer";
        readonly name: string;
        readonly verdict: Verdict;
        /** The block that is meant; without it, whatever the program waits for now. */
        readonly block?: number | undefined;
        readonly by: string;
      }
    | { readonly type: "agent.report"; readonly name: string; readonly epoch: number; readonly text: string }
    | {
        readonly type: "verdict.submit";
        readonly name: string;
        readonly epoch: number;
        readonly step: string;
        readonly verdict: StepVerdict;
      }
    | {
        readonly type: "message.send";
        readonly messageId: string;
        readonly from: string;
        readonly fromEpoch: number | undefined;
        readonly to: Address;
        readonly body: string;
        readonly bytes: number;
        readonly mode: DeliveryMode;
        /** The message that this one answers, as the archive knows it. */
        readonly replyTo: { readonly messageId: string; readonly threadId: string } | undefined;
        /** Of a channel's members those that it is brought to; all if absent. */
        readonly notify?: readonly string[] | undefined;
        readonly expiresAt: number | undefined;
      }
    | { readonly type: "inbox.take"; readonly name: string; readonly limit: number }
    | { readonly type: "inbox.ack"; readonly name: string; readonly messageIds: readonly string[] }
    | {
        readonly type: "message.react";
        readonly messageId: string;
        readonly by: string;
        readonly emoji: string;
        readonly remove: boolean;
      }
    | { readonly type: "read.mark"; readonly reader: string; readonly conversation: string; readonly upTo: number }
    | {
        readonly type: "channel.create";
        readonly channel: string;
        readonly topic: string | undefined;
        readonly by: string;
      }
    | {
        readonly type: "channel.join" | "channel.leave";
        readonly channel: string;
        readonly member: string;
        readonly by: string;
      }
    | {
        readonly type: "deadletter.redeliver";
        readonly agent: string;
        readonly by: string;
        /** The message and the state of its delivery as the archive knows them. */
        readonly message: DeadMessage;
      }
    | {
        readonly type: "stream.append";
        readonly stream: string;
        readonly expectedRevision: number;
        readonly lease: { readonly name: string; readonly token: number } | undefined;
        readonly entries: readonly { readonly kind: string; readonly data: Readonly<Record<string, unknown>> }[];
        /** Of the data of each, as JSON. */
        readonly entryBytes: readonly number[];
        readonly summary: Readonly<Record<string, unknown>> | undefined;
        readonly summaryBytes: number;
        /** Whether the log has entries of it; asked where the state has none. */
        readonly inLog: boolean;
      }
    | { readonly type: "lease.acquire"; readonly name: string; readonly holder: string; readonly ttlMs: number }
    | { readonly type: "lease.renew"; readonly name: string; readonly token: number; readonly ttlMs: number }
    | { readonly type: "lease.release"; readonly name: string; readonly token: number }
  );

export interface DeadMessage {
  readonly messageId: string;
  readonly from: string;
  readonly mode: DeliveryMode;
  readonly bytes: number;
  /** Where the message stands in the log. */
  readonly sequence: number;
}

export type WorldCommand = Timed &
  (
    | {
        readonly type: "incarnation.spawned";
        readonly name: string;
        readonly epoch: number;
        readonly pid: number;
        readonly startedAt: number;
        readonly cwd: string;
        readonly originActor: string | undefined;
        readonly permissionMode: PermissionMode;
        /** Of the program, where it is known. */
        readonly version?: string | undefined;
        readonly versionTried?: boolean | undefined;
      }
    | {
        readonly type: "incarnation.exited";
        readonly name: string;
        readonly epoch: number;
        readonly reason: ExitReason;
        readonly code: number | null;
        readonly signal: string | null;
        /** When it really ended, if that is known; it may be learnt long after. */
        readonly endedAt?: number;
        readonly lastLines: readonly string[];
        /** In [0, 1), for the jitter of a restart. */
        readonly chance: number;
      }
    | {
        readonly type: "incarnation.observed";
        readonly name: string;
        readonly epoch: number;
        readonly observation: Observation;
      }
    | {
        readonly type: "injection.drained";
        readonly name: string;
        readonly injection: string;
        readonly evidence:
          | "paste_drained"
          | "host_ledger"
          | "request_accepted"
          | "turn_steered"
          | "hook_served"
          | "line_appended";
      }
    | {
        readonly type: "injection.failed";
        readonly name: string;
        readonly injection: string;
        readonly reason: string;
        /** Some bytes may have gone in. */
        readonly partial: boolean;
      }
    /** The program takes context in the answer to one of its reports: what waits and cannot go in otherwise may go there. */
    | { readonly type: "mail.serve"; readonly name: string; readonly epoch: number }
    /** Looks at an agent again: a timer fired, or the broker has just started. */
    | { readonly type: "agent.tick"; readonly name: string }
    /** Looks for leases that are over. */
    | { readonly type: "leases.tick" }
    | { readonly type: "broker.started" | "broker.stopped"; readonly pid: number; readonly version: string }
  );

export type BrokerCommand = ClientCommand | WorldCommand;
