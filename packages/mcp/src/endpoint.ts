/**
 * The HTTP endpoint for agents: their tools under `/mcp`, their hooks under `/hooks`.
 *
 *   E1  Every request passes the loopback check and carries the token of a live incarnation, before anything else is
 *       looked at.
 *   E2  Who calls follows from the token alone.
 *   E3  Messages count as seen only after the response that brought them has been written out.
 *   E4  A body over the bound, a request that breaks off and a bug each cost that request and no more.
 *   E5  A program's own report becomes signals in the order of the report; one that means nothing is accepted, and
 *       changes nothing.
 *   E6  Mail that is given in the answer to a report counts as handed over once that answer has been written out, and
 *       as uncertain if it broke off.
 *   E7  Mail that a program asked for is the answer to its question, which may come late; the next question says whether
 *       it arrived.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  bearerOf,
  errorCodes,
  errorEnvelope,
  isErrorCode,
  limits,
  methods,
  refuseForeign,
  relayError,
  type ErrorEnvelope,
  type MethodParams,
  type MethodResult,
  type Principal,
} from "@agent-relay/protocol";
import type { RelayCalls } from "./calls.ts";
import { explain, type McpLogger } from "./failure.ts";
import { exchange } from "./http-exchange.ts";
import { relayServer, runAfterwards } from "./relay-server.ts";

export interface McpEndpointOptions {
  /** Whose token it is, and what that caller may use. Throws a `RelayError`: `unauthenticated`, `epoch_expired`. */
  readonly authenticate: (token: string) => { readonly principal: Principal; readonly calls: RelayCalls };
  readonly logger: McpLogger;
  /** Told to programs as the version of the server. */
  readonly version: string;
  /**
   * What a program's hook says in the program's own words, as signals. Total: what is not understood is no signal.
   * Without it only `{signal, source}` is taken.
   */
  readonly translateHook?: (
    harness: string | undefined,
    body: unknown,
  ) => { readonly signals: readonly HookSignal[]; readonly source: string };
  /** The answer in the program's own words that gives its model this text; nothing if there is none. */
  readonly answerHook?: (harness: string | undefined, body: unknown, text: string) => object | undefined;
  /** Requests of one incarnation that are under way. */
  readonly requestsInFlightMax?: number;
  readonly bodyBytesMax?: number;
}

export type HookSignal = MethodParams<"agent.signal">["signal"];

/** Many tool calls at once are normal, hundreds are a program gone wild. */
const defaultRequestsInFlightMax = 64;

/** A program that is told to report under its harness's id speaks its own language; without one, the protocol's. */
const hooksPath = /^\/hooks(?:\/([a-z][a-z0-9-]{0,63}))?$/u;

export function createMcpEndpoint(
  options: McpEndpointOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { logger } = options;
  const bodyBytesMax = options.bodyBytesMax ?? limits.frameBytesMax;
  const requestsInFlightMax = options.requestsInFlightMax ?? defaultRequestsInFlightMax;
  const inFlight = new Map<string, number>();

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { host, origin, authorization } = request.headers;
    const foreign = refuseForeign({ host, origin, port: request.socket.localPort ?? 0 });
    if (foreign !== undefined) return refuse(response, foreign);
    const token = bearerOf(authorization);
    if (token === undefined)
      throw relayError("unauthenticated", "expected Authorization: Bearer with an incarnation's token");
    const caller = options.authenticate(token);

    const path = (request.url ?? "").split("?", 1)[0];
    const hooks = hooksPath.exec(path ?? "");
    if (path !== "/mcp" && hooks === null)
      return refuse(response, errorEnvelope("invalid_request", "expected /mcp, /hooks or /hooks/<harness>"), 404);
    if (request.method !== "POST") {
      response.setHeader("Allow", "POST");
      return refuse(response, errorEnvelope("invalid_request", `expected POST, found ${request.method}`), 405);
    }
    const key = keyOf(caller.principal);
    const count = inFlight.get(key) ?? 0;
    if (count >= requestsInFlightMax)
      throw relayError("too_many_requests", `${count} requests of this incarnation are under way`);
    inFlight.set(key, count + 1);
    try {
      const body = await readJson(request, bodyBytesMax);
      await (path === "/mcp"
        ? tools(request, response, body, caller)
        : hook(response, { harness: hooks?.[1], body }, caller.calls, options));
    } finally {
      const left = (inFlight.get(key) ?? 1) - 1;
      if (left > 0) inFlight.set(key, left);
      else inFlight.delete(key);
    }
  };

  const tools = async (
    request: IncomingMessage,
    response: ServerResponse,
    body: unknown,
    caller: { readonly principal: Principal; readonly calls: RelayCalls },
  ): Promise<void> => {
    const tasks: (() => Promise<unknown>)[] = [];
    const server = relayServer({
      ...caller,
      logger,
      version: options.version,
      afterResponse: (_, task) => tasks.push(task),
    });
    onceOver(response, (written) => {
      if (written) runAfterwards(tasks, logger);
    });
    await exchange({ request, response, body, server, logger });
  };

  return (request, response) => {
    serve(request, response).catch((thrown: unknown) => {
      request.resume();
      refuse(response, explain(thrown, logger));
    });
  };
}

async function hook(
  response: ServerResponse,
  { harness, body }: { readonly harness: string | undefined; readonly body: unknown },
  calls: RelayCalls,
  { translateHook: translate, answerHook, logger }: McpEndpointOptions,
): Promise<void> {
  if (translate !== undefined && isObject(body) && !("signal" in body)) {
    const { signals, source } = translate(harness, body);
    let handover: Handover | undefined;
    for (const signal of signals) {
      const answered = await calls.call("agent.signal", { signal, source });
      handover ??= answered.handover;
    }
    const answerWith = (text: string): object | undefined => answerHook?.(harness, body, text);
    return answer(response, handover, answerWith, calls, logger);
  }
  const parsed = methods["agent.signal"].params.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw relayError(
      "invalid_request",
      `expected {signal, source}: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`.trim(),
    );
  }
  const { handover, mail, interrupt } = await calls.call("agent.signal", parsed.data);
  if (mail !== undefined) return answerJson(response, { mail });
  if (interrupt !== undefined) return answerJson(response, { interrupt });
  return answer(response, handover, (context) => ({ context }), calls, logger);
}

type Handover = NonNullable<MethodResult<"agent.signal">["handover"]>;

function answer(
  response: ServerResponse,
  handover: Handover | undefined,
  answerWith: (text: string) => object | undefined,
  calls: RelayCalls,
  logger: McpLogger,
): void {
  const content = handover === undefined ? undefined : answerWith(handover.text);
  if (handover !== undefined) {
    const served = (arrived: boolean): void => {
      const signal = { type: "served", handover: handover.id, arrived } as const;
      calls.call("agent.signal", { signal, source: "answer" }).catch((error: unknown) => {
        logger.debug("what became of an answer was not recorded", { error: String(error) });
      });
    };
    if (content === undefined || response.destroyed) served(false);
    else onceOver(response, served);
  }
  // No body without need: programs take one for instructions of the hook.
  if (content === undefined) response.writeHead(204).end();
  else answerJson(response, content);
}

function answerJson(response: ServerResponse, content: object): void {
  response
    .writeHead(200, { "Content-Type": "application/json", "Cache-Control": "no-store" })
    .end(JSON.stringify(content));
}

/** Tells whether the whole answer has left. Node says `finish` of an answer whose connection broke, too. */
function onceOver(response: ServerResponse, tell: (written: boolean) => void): void {
  const { socket } = response;
  let written = false;
  response.once("finish", () => {
    written = socket?.destroyed === false;
  });
  response.once("close", () => {
    tell(written);
  });
}

async function readJson(request: IncomingMessage, bytesMax: number): Promise<unknown> {
  const tooLarge = relayError("frame_too_large", `expected a body of at most ${bytesMax} bytes`);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw tooLarge;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks)));
  } catch (cause) {
    throw relayError("invalid_request", "expected a body of JSON in UTF-8", { cause });
  }
}

function refuse(response: ServerResponse, error: ErrorEnvelope, status?: number): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = JSON.stringify({ error });
  response.writeHead(status ?? (isErrorCode(error.code) ? errorCodes[error.code].http : 500), {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(body),
    "Cache-Control": "no-store",
    ...(error.code === "unauthenticated" || error.code === "epoch_expired" ? { "WWW-Authenticate": "Bearer" } : {}),
    // The rest of a body that we did not read would be taken for the next request.
    ...(error.code === "frame_too_large" ? { Connection: "close" } : {}),
  });
  response.end(body);
}

function keyOf(principal: Principal): string {
  return principal.kind === "agent" ? `${principal.name}@${principal.epoch}` : principal.name;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
