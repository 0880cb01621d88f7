/** What the broker knows: one value, folded from the log. Only `evolve` changes it. */
import type {
  AddresseeKind,
  AgentStatus,
  BlockKind,
  DeliveryTraits,
  ExitReason,
  Fact,
  Fidelity,
  LaunchSpec,
  PermissionMode,
  Route,
  Runtime,
  Verdict,
} from "@agent-relay/protocol";
import { limits } from "@agent-relay/protocol";
import type { Lease } from "./leases.ts";
import { Mailbox, type Delivery } from "./mailbox.ts";
import type { Stream } from "./streams.ts";

/** A fact with its place in time and in the log. */
export interface Noted {
  readonly fact: Fact;
  readonly at: number;
  readonly sequence: number;
}

export interface Hold {
  readonly leaseId: string;
  readonly holder: string;
  readonly expiresAt: number;
}

/** Messages on their way into one program. */
export interface Injection {
  readonly id: string;
  readonly epoch: number;
  readonly route: Route;
  /** It goes into the turn that ran when it began. */
  readonly steer: boolean;
  readonly items: Delivery[];
  /** The program has shown a turn since the injection began, so none is owed any more. */
  turnSeen: boolean;
}

/** What a blocked program waits for. */
export interface Block {
  /** Of the fact that told it: the name under which it is answered. */
  readonly sequence: number;
  readonly kind: BlockKind;
  readonly what: string | undefined;
  readonly answerable: boolean;
  readonly source: string;
  readonly fidelity: Fidelity;
  /** The first answer, which is the only one. */
  answered: { readonly by: string; readonly verdict: Verdict; readonly at: number } | undefined;
}

export interface Agent {
  readonly name: string;
  kind: AddresseeKind;
  launch: LaunchSpec | undefined;
  /** Who had it spawned. */
  spawnedBy: string | undefined;
  /**
   * Whom it may write to: what its own launch says and what bound whoever spawned it, as it was then. That one's name may be
   * another's by now.
   */
  bounds: readonly (readonly string[])[];
  harness: string | undefined;
  traits: DeliveryTraits | undefined;
  /** How mail goes into this incarnation, once that is another way than its traits say. */
  route: Route | undefined;
  originActor: string | undefined;
  cwd: string | undefined;
  permissionMode: PermissionMode | undefined;
  runtime: Runtime | undefined;
  /** Of the program, where it is known. */
  version: string | undefined;
  versionTried: boolean | undefined;
  epoch: number;
  status: AgentStatus;
  since: number;
  reason: string | undefined;
  fidelity: Fidelity | undefined;
  /** What it waits for, while it is blocked. */
  block: Block | undefined;
  /** What it waited for last: an answer to that comes too late. */
  lastBlock: Block | undefined;
  /** What it did before it was blocked. */
  beforeBlock: AgentStatus | undefined;
  pid: number | undefined;
  startedAt: number | undefined;
  /** Asked to leave, and how. */
  releasing: { readonly how: "release" | "kill"; readonly reason: string | undefined } | undefined;
  /** It will not run again unless someone spawns it again. */
  ended: "released" | "killed" | "permanently_dead" | undefined;
  failures: number;
  restarts: number;
  restartAt: number | undefined;
  lastExit:
    | { readonly reason: ExitReason; readonly code: number | null; readonly signal: string | null; readonly at: number }
    | undefined;
  /** The native session that this incarnation was started with. */
  resume: string | undefined;
  /** The native session that it is in. */
  sessionId: string | undefined;
  /** A turn has shown in that session since this incarnation began, so that there is something to continue. */
  sessionUsed: boolean;
  /** The native session that the next incarnation should continue. */
  resumeNext: string | undefined;
  reported: string | undefined;
  /** The lowest context threshold that was crossed and not left again. */
  contextThreshold: number | undefined;
  contextExact: boolean;
  /** The silence since this instant was reported. */
  idleReportedFor: number | undefined;
  hold: Hold | undefined;
  /** A person's unsent text stands in the composer. */
  drafting: boolean;
  readonly mailbox: Mailbox;
  injection: Injection | undefined;
  /** A prompt went in and its turn has not shown yet; until then nothing more goes in. */
  turnOwedUntil: number | undefined;
  /** The paste that this turn is owed for, by a program that says when a turn begins; and how often its submit key was pressed again. */
  unconfirmed: { readonly injection: string; readonly repeats: number } | undefined;
  /** Messages of the turn that runs, the newest of them if there are many. */
  turnMessages: string[];
  /** The turn that runs takes nothing in between. */
  steerRefused: boolean;
  retryAt: number | undefined;
  interrupt: { readonly messageId: string; readonly until: number } | undefined;
  /** The message that an unconfirmed interrupt was for; it waits for the turn to end by itself. */
  interruptFailedFor: string | undefined;
}

export interface Channel {
  readonly name: string;
  readonly topic: string | undefined;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly members: Set<string>;
}

export interface BrokerState {
  /** Sequence of the newest fact folded in. */
  head: number;
  readonly agents: Map<string, Agent>;
  readonly channels: Map<string, Channel>;
  /** Streams of clients, in the order of their newest entries. */
  readonly streams: Map<string, Stream>;
  readonly leases: Map<string, Lease>;
  /** Agents whose situation changed since the last plan. */
  readonly touched: Set<string>;
}

export function initialState(): BrokerState {
  return {
    head: 0,
    agents: new Map(),
    channels: new Map(),
    streams: new Map(),
    leases: new Map(),
    touched: new Set(),
  };
}

export function newAgent(name: string, kind: AddresseeKind, at: number): Agent {
  return {
    name,
    kind,
    launch: undefined,
    spawnedBy: undefined,
    bounds: [],
    harness: undefined,
    traits: undefined,
    route: undefined,
    originActor: undefined,
    cwd: undefined,
    permissionMode: undefined,
    runtime: undefined,
    version: undefined,
    versionTried: undefined,
    epoch: 0,
    status: kind === "person" ? "idle" : "exited",
    since: at,
    reason: undefined,
    fidelity: undefined,
    block: undefined,
    lastBlock: undefined,
    beforeBlock: undefined,
    pid: undefined,
    startedAt: undefined,
    releasing: undefined,
    ended: undefined,
    failures: 0,
    restarts: 0,
    restartAt: undefined,
    lastExit: undefined,
    resume: undefined,
    sessionId: undefined,
    sessionUsed: false,
    resumeNext: undefined,
    reported: undefined,
    contextThreshold: undefined,
    contextExact: false,
    idleReportedFor: undefined,
    hold: undefined,
    drafting: false,
    mailbox: new Mailbox(limits.openDeliveriesMax),
    injection: undefined,
    turnOwedUntil: undefined,
    unconfirmed: undefined,
    turnMessages: [],
    steerRefused: false,
    retryAt: undefined,
    interrupt: undefined,
    interruptFailedFor: undefined,
  };
}

/** Whether an incarnation has been asked for and has not ended. */
export function isLive(agent: Agent): boolean {
  return agent.status === "starting" ||
    agent.status === "working" ||
    agent.status === "idle" ||
    agent.status === "blocked"
    ? agent.kind === "program"
    : false;
}
