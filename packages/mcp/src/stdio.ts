/**
 * The tools over stdin and stdout, for programs that cannot speak HTTP.
 *
 *   I1  Messages count as seen only after the line that brought them has been written out.
 *   I2  When the input ends, waits end and the server is over.
 */
import type { Readable, Writable } from "node:stream";
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/server";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import type { Principal } from "@agent-relay/protocol";
import type { RelayCalls } from "./calls.ts";
import type { McpLogger } from "./failure.ts";
import { relayServer, runAfterwards } from "./relay-server.ts";

export interface StdioServerOptions {
  readonly calls: RelayCalls;
  readonly principal: Principal;
  readonly input: Readable;
  readonly output: Writable;
  readonly logger: McpLogger;
  readonly version: string;
}

export interface StdioServer {
  /** Resolves when the input has ended or the server was closed. */
  readonly closed: Promise<void>;
  /** Idempotent. */
  readonly close: () => Promise<void>;
}

export async function runStdioServer(options: StdioServerOptions): Promise<StdioServer> {
  const { input, output, logger } = options;
  const tasks = new Map<RequestId, (() => Promise<unknown>)[]>();
  let isClosed = (): void => undefined;
  const closed = new Promise<void>((resolve) => {
    isClosed = resolve;
  });

  const transport = new (class extends StdioServerTransport {
    override async send(message: JSONRPCMessage): Promise<void> {
      await super.send(message);
      if (!("id" in message) || message.id === undefined || "method" in message) return;
      const due = tasks.get(message.id);
      tasks.delete(message.id);
      if (due === undefined) return;
      // An empty write is called back after everything before it has left.
      output.write("", (error) => {
        if (error === undefined || error === null) runAfterwards(due, logger);
      });
    }

    /** Called by itself when the input ends or the output fails. */
    override async close(): Promise<void> {
      await super.close();
      isClosed();
    }
  })(input, output);

  // The first message decides which revision the connection speaks.
  const handle = serveStdio(
    () =>
      relayServer({
        ...options,
        afterResponse: (requestId, task) => {
          tasks.set(requestId, [...(tasks.get(requestId) ?? []), task]);
        },
      }),
    { transport, onerror: (error) => logger.debug("stdio", { error: error.message }) },
  );
  let closing: Promise<void> | undefined;
  return { closed, close: () => (closing ??= handle.close()) };
}
