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
  readonly translateHook?: (body: unknown) => { readonly signals: readonly HookSignal[]; readonly source: string };
  /** Requests of one incarnation that are under way. */
  readonly requestsInFlightMax?: number;
  readonly bodyBytesMax?: number;
}

export type HookSignal = MethodParams<"agent.signal">["signal"];

/** Many tool calls at once are normal, hundreds are a program gone wild. */
const defaultRequestsInFlightMax = 64;

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
    if (path !== "/mcp" && path !== "/hooks")
      return refuse(response, errorEnvelope("invalid_request", "expected /mcp or /hooks"), 404);
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
        : hook(response, body, caller.calls, options.translateHook));
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
    response.once("finish", () => runAfterwards(tasks, logger));
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
  body: unknown,
  calls: RelayCalls,
  translate: McpEndpointOptions["translateHook"],
): Promise<void> {
  if (translate !== undefined && isObject(body) && !("signal" in body)) {
    const { signals, source } = translate(body);
    for (const signal of signals) await calls.call("agent.signal", { signal, source });
  } else {
    const parsed = methods["agent.signal"].params.safeParse(body);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw relayError(
        "invalid_request",
        `expected {signal, source}: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`.trim(),
      );
    }
    await calls.call("agent.signal", parsed.data);
  }
  // No body: programs take one for instructions of the hook.
  response.writeHead(204).end();
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
