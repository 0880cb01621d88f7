/** A server on loopback that answers as a broker's endpoint does: hooks under `/hooks`, MCP under `/mcp`. It can go away and come back. */
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { isRecord } from "../checks.ts";

type Json = Readonly<Record<string, unknown>>;

export interface ToolCall {
  readonly tool: string;
  readonly arguments: Json;
}

export interface LoopbackRelay {
  readonly hookUrl: string;
  readonly mcpUrl: string;
  /** Signals in the order in which they were taken. */
  readonly signals: readonly Json[];
  /** Calls of tools, refused ones too. */
  readonly calls: readonly ToolCall[];
  /** Methods and session ids in the order in which they came. */
  readonly requests: readonly string[];
  readonly tokens: ReadonlySet<string>;
  /** The sessions that were begun so far are unknown from now on. */
  readonly forgetSessions: () => void;
  readonly goAway: () => Promise<void>;
  readonly comeBack: () => Promise<void>;
}

export interface LoopbackRelayOptions {
  /** Answers a tool: the result of `tools/call`. */
  readonly run?: (call: ToolCall, count: number) => Json | Promise<Json>;
  /** HTTP status of the nth hook; 204 if absent. */
  readonly hookStatus?: (count: number) => number;
  readonly format?: "json" | "events";
  /** Keep the stream of events open after the answer. */
  readonly keepOpen?: boolean;
  /** Give sessions ids. */
  readonly sessions?: boolean;
}

export async function startLoopbackRelay(options: LoopbackRelayOptions = {}): Promise<LoopbackRelay> {
  const signals: Json[] = [];
  const calls: ToolCall[] = [];
  const requests: string[] = [];
  const tokens = new Set<string>();
  let hooks = 0;
  let life = 0;
  let server: Server | undefined;

  const reply = (response: ServerResponse, id: unknown, body: Json): void => {
    const message = JSON.stringify({ jsonrpc: "2.0", id, ...body });
    const sessionHeaders = options.sessions === true ? { "mcp-session-id": `session-${life}` } : {};
    if (options.format !== "events") {
      response.writeHead(200, { "content-type": "application/json", ...sessionHeaders }).end(message);
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream", ...sessionHeaders });
    response.write(': hello\n\nevent: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n');
    // In two pieces: what is cut in the middle must be put together again.
    const half = Math.floor(message.length / 2);
    response.write(`event: message\r\ndata: ${message.slice(0, half)}`);
    setTimeout(() => {
      response.write(`${message.slice(half)}\r\n\r\n`);
      if (options.keepOpen !== true) response.end();
    }, 5);
  };

  const mcp = async (request: IncomingMessage, response: ServerResponse, body: Json): Promise<void> => {
    const session = request.headers["mcp-session-id"];
    requests.push(`${String(body["method"])}${session === undefined ? "" : ` in ${String(session)}`}`);
    if (session !== undefined && session !== `session-${life}`) {
      response.writeHead(404).end("no such session");
      return;
    }
    if (body["method"] === "initialize")
      return reply(response, body["id"], {
        result: { protocolVersion: "2025-06-18", capabilities: {}, serverInfo: { name: "t", version: "1" } },
      });
    if (body["id"] === undefined) {
      response.writeHead(202).end();
      return;
    }
    const params = body["params"];
    const call = {
      tool: isRecord(params) ? String(params["name"]) : "",
      arguments: isRecord(params) && isRecord(params["arguments"]) ? params["arguments"] : {},
    };
    calls.push(call);
    const result = (await options.run?.(call, calls.length)) ?? { content: [{ type: "text", text: "ok" }] };
    if ("drop" in result) request.socket.destroy();
    else if ("error" in result) reply(response, body["id"], result);
    else reply(response, body["id"], { result });
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    tokens.add(request.headers.authorization ?? "none");
    const parsed: unknown = JSON.parse(await textOf(request));
    const body = isRecord(parsed) ? parsed : {};
    if (request.url === "/mcp") return mcp(request, response, body);
    hooks += 1;
    const status = options.hookStatus?.(hooks) ?? 204;
    if (status === 204 && isRecord(body["signal"])) signals.push(body["signal"]);
    response.writeHead(status).end();
  };

  const listen = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      life += 1;
      const next = createServer((request, response) => {
        handle(request, response).catch((error: unknown) =>
          response.destroy(error instanceof Error ? error : undefined),
        );
      });
      next.on("error", reject);
      next.listen(port, "127.0.0.1", () => {
        server = next;
        const address = next.address();
        resolve(typeof address === "object" && address !== null ? address.port : port);
      });
    });

  const port = await listen(0);
  return {
    hookUrl: `http://127.0.0.1:${port}/hooks`,
    mcpUrl: `http://127.0.0.1:${port}/mcp`,
    signals,
    calls,
    requests,
    tokens,
    forgetSessions: () => {
      life += 1;
    },
    goAway: () =>
      new Promise((resolve) => {
        if (server === undefined) return resolve();
        server.close(() => resolve());
        server.closeAllConnections();
        server = undefined;
      }),
    comeBack: async () => {
      await listen(port);
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  request.setEncoding("utf8");
  for await (const chunk of request) text += String(chunk);
  return text;
}
