export { agentActor, brokerActor, harnessOfActor, normalizeActor, parseActor } from "./actor.ts";
export type { OriginActor } from "./actor.ts";
export { ErrorEnvelope, RelayError, envelopeOf, errorCodes, errorEnvelope, isErrorCode, relayError } from "./errors.ts";
export type { ErrorCode, ErrorCodeInfo } from "./errors.ts";
export {
  Address,
  AddresseeKind,
  BlockKind,
  DeadLetterReason,
  DeliveryMode,
  Activity,
  DeliveryTraits,
  StepPath,
  StepVerdict,
  Verdict,
  Evidence,
  ExitClass,
  ExitReason,
  Fact,
  Fidelity,
  Recording,
  RelayEvent,
  Route,
  StallReason,
  eventTypes,
} from "./events.ts";
export type { EventOf, EventType } from "./events.ts";
export { ClientFrame, ServerFrame, protocolVersion, protocolVersionMin } from "./frames.ts";
export type { ClientFrameInput, Principal } from "./frames.ts";
export { LaunchSpec, PermissionMode, RestartPolicy, Runtime, SpawnParams } from "./launch.ts";
export type { LaunchInput } from "./launch.ts";
export { limits } from "./limits.ts";
export { bearerOf, refuseForeign } from "./loopback.ts";
export type { LoopbackRequest } from "./loopback.ts";
export { AddressInput, EventFilter, isMethod, methods } from "./methods.ts";
export type { Method, MethodParams, MethodResult, ParsedParams } from "./methods.ts";
export {
  AgentName,
  ChannelName,
  CommandId,
  LeaseName,
  MessageId,
  StreamName,
  operatorName,
  ownStreamKinds,
  reservedNames,
} from "./names.ts";
export { headAndTail, oneLine, stripControls, utf8Bytes, wireBytes } from "./text.ts";
export {
  AgentStatus,
  AgentView,
  BrokerView,
  ChannelView,
  DeliveryStage,
  DeliveryView,
  InboxMessage,
  LeaseView,
  MessageView,
  StatsRow,
  StreamEntry,
  StreamView,
  TraceStep,
  TraceView,
} from "./views.ts";
