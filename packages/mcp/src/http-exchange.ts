/**
 * One request of MCP over HTTP, whichever revision the client speaks.
 *
 *   X1  A client of 2025 shakes hands, one of 2026-07-28 does not; both get the same tools at the same address.
 *   X2  Nothing outlives the request: each has a server of its own, and no caller can reach another.
 *   X3  Every answer is one JSON text; no stream is opened.
 *   X4  The library sees the headers of the protocol, never the token.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  createMcpHandler,
  isLegacyRequest,
  WebStandardStreamableHTTPServerTransport,
  type Server,
} from "@modelcontextprotocol/server";
import type { McpLogger } from "./failure.ts";

export interface HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: unknown;
  /** Has served nothing yet. */
  readonly server: Server;
  readonly logger: McpLogger;
}

/** Resolves when the response is written or the client is gone; the waits of the request have ended then. */
export async function exchange({ request, response, body, server, logger }: HttpExchange): Promise<void> {
  // Its `close` has been told already, and would be waited for in vain.
  if (response.destroyed) return;
  const over = new Promise<void>((resolve) => {
    response.once("close", resolve);
  });
  try {
    const answering = answer(asWebRequest(request), body, server, logger);
    // A client that leaves ends the race, and with it the answer, which then has no reader.
    answering.catch(() => undefined);
    const answered = await Promise.race([answering, over]);
    if (answered === undefined) return;
    await write(response, answered);
    await over;
  } finally {
    // Ends the waits of a request that broke off.
    await server.close();
  }
}

async function answer(request: Request, body: unknown, server: Server, logger: McpLogger): Promise<Response> {
  if (await isLegacyRequest(request, body)) {
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
    await server.connect(transport);
    return transport.handleRequest(request, { parsedBody: body });
  }
  const opensStream = requestIn(body, "subscriptions/listen");
  if (opensStream !== undefined) return notOffered(opensStream.id);
  // Its own way of serving clients of 2025 answers with streams.
  const handler = createMcpHandler(() => server, {
    legacy: "reject",
    onerror: (error) => logger.debug("a request was refused", { error: error.message }),
  });
  return handler.fetch(request, { parsedBody: body });
}

function requestIn(body: unknown, method: string): { readonly id: unknown } | undefined {
  if (typeof body !== "object" || body === null || !("method" in body) || !("id" in body)) return undefined;
  return body.method === method ? { id: body.id } : undefined;
}

/** The tools are the same for the life of the broker, so there is nothing to subscribe to. */
function notOffered(id: unknown): Response {
  return Response.json(
    { jsonrpc: "2.0", id, error: { code: -32_601, message: "nothing can be subscribed to here" } },
    { status: 404 },
  );
}

function asWebRequest({ headers }: IncomingMessage): Request {
  const ofProtocol = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    typeof value === "string" && (name === "accept" || name === "content-type" || name.startsWith("mcp-"))
      ? [[name, value]]
      : [],
  );
  return new Request("http://127.0.0.1/mcp", { method: "POST", headers: ofProtocol });
}

async function write(response: ServerResponse, answered: Response): Promise<void> {
  const text = await answered.text();
  if (response.destroyed) return;
  response.writeHead(answered.status, {
    ...Object.fromEntries(answered.headers),
    "Content-Length": Buffer.byteLength(text),
  });
  response.end(text);
}
