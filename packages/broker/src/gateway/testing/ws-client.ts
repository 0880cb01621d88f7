/** A client over a real socket, as plain as can be, so that tests can also send what a good client never would. */
import { once } from "node:events";
import type { ClientRequestArgs, IncomingMessage } from "node:http";
import type { ClientFrameInput, ServerFrame } from "@agent-relay/protocol";
import { WebSocket, type ClientOptions } from "ws";

export interface WsClient {
  readonly webSocket: WebSocket;
  readonly got: ServerFrame[];
  readonly say: (frame: ClientFrameInput) => void;
  /** Resolves when the condition holds, at the latest when the connection ends. */
  readonly until: (condition: () => boolean) => Promise<void>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

export async function wsClient(address: string, options: ClientOptions & ClientRequestArgs = {}): Promise<WsClient> {
  const webSocket = new WebSocket(address, options);
  const got: ServerFrame[] = [];
  let wake = (): void => undefined;
  const closed = new Promise<{ readonly code: number; readonly reason: string }>((resolve) => {
    webSocket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  let over = false;
  void closed.then(() => {
    over = true;
    wake();
  });
  webSocket.on("message", (data: Buffer) => {
    got.push(JSON.parse(data.toString()) as ServerFrame);
    wake();
  });
  await once(webSocket, "open");
  webSocket.on("error", () => undefined);
  return {
    webSocket,
    got,
    say: (frame) => webSocket.send(JSON.stringify(frame)),
    until: async (condition) => {
      while (!condition() && !over) await new Promise<void>((resolve) => (wake = resolve));
    },
    closed,
  };
}

export async function welcomed(
  address: string,
  options?: ClientOptions & ClientRequestArgs,
  token?: string,
): Promise<WsClient> {
  const client = await wsClient(address, options);
  client.say({
    type: "hello",
    versions: { min: 1, max: 1 },
    client: { name: "test", version: "1" },
    ...(token === undefined ? {} : { token }),
  });
  await client.until(() => client.got.length > 0);
  return client;
}

/** The HTTP answer to an upgrade that is refused. */
export async function refusedUpgrade(
  address: string,
  headers: Record<string, string>,
): Promise<{ readonly status: number | undefined; readonly code: string }> {
  const webSocket = new WebSocket(address, { headers });
  webSocket.on("error", () => undefined);
  const [, response] = (await once(webSocket, "unexpected-response")) as [unknown, IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = JSON.parse(Buffer.concat(chunks).toString()) as { error: { code: string } };
  webSocket.terminate();
  return { status: response.statusCode, code: body.error.code };
}
