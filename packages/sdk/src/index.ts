export { connect } from "./connect.ts";
export type { ConnectOptions } from "./connect.ts";
export type { Relay, Spawner, Spawners } from "./relay/relay.ts";
export type { ShortName } from "./relay/programs.ts";
export type { AgentHandle, Answered, AnswerOptions, Exit, WaitOptions } from "./relay/agent-handle.ts";
export type { Channel } from "./relay/channels.ts";
export type { Listener } from "./relay/listeners.ts";
export type { HistoryPage, HistoryQuestion, Inbox, Receipt, SendMore, Until } from "./relay/messages.ts";
export type { SpawnOptions } from "./relay/spawning.ts";
export type { AcquireOptions, HeldLease, Leases } from "./relay/leases.ts";
export type { AppendOptions, Streams } from "./relay/streams.ts";

export { connectClient, defaultReconnect } from "./connect-client.ts";
export type { ClientAddress, ConnectClientOptions } from "./connect-client.ts";
export type { CallOptions, Client, TerminalChunk } from "./client.ts";
export type { ReconnectPolicy } from "./wire/session.ts";
export { linkedTransports } from "./wire/transport.ts";
export type { LinkedTransports, Transport } from "./wire/transport.ts";
export type { Timers } from "./wire/timers.ts";

export { ensureRuntimeDir, findProject, locate } from "./locations.ts";
export type { Locations } from "./locations.ts";
export type { Environment, Surroundings } from "./environment.ts";
export { findProgram, startBroker } from "./start-broker.ts";
export type { Program } from "./start-broker.ts";

export { isRelayError } from "./errors.ts";
export { RelayError } from "@agent-relay/protocol";
export type {
  AgentView,
  BrokerView,
  ChannelView,
  DeliveryView,
  ErrorCode,
  EventOf,
  EventType,
  InboxMessage,
  LeaseView,
  MessageView,
  RelayEvent,
  StreamEntry,
  StreamView,
  TraceView,
  Verdict,
} from "@agent-relay/protocol";
