/** One POST of JSON, and how often to try it. `node:http` is loaded on first use: most personas never need it. */
import type { IncomingHttpHeaders } from "node:http";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface PostOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly json: unknown;
  readonly timeoutMs: number;
  /** Looks at the body so far; true ends the request. A stream of events may stay open after what was asked for. */
  readonly isComplete?: (contentType: string, bodySoFar: string) => boolean;
}

export async function post(options: PostOptions): Promise<Answer> {
  const { request } = await import("node:http");
  const payload = JSON.stringify(options.json);
  return new Promise((resolve, reject) => {
    const call = request(
      options.url,
      {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(payload),
          ...options.headers,
        },
      },
      (response) => {
        let body = "";
        const answer = (): Answer => ({ status: response.statusCode ?? 0, headers: response.headers, body });
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          body += chunk;
          if (options.isComplete?.(response.headers["content-type"] ?? "", body) !== true) return;
          resolve(answer());
          call.destroy();
        });
        response.on("end", () => {
          resolve(answer());
        });
        response.on("error", reject);
        response.on("aborted", () => {
          reject(new Error("the answer was cut off"));
        });
      },
    );
    call.setTimeout(options.timeoutMs, () => {
      call.destroy(new Error(`no answer within ${options.timeoutMs} ms`));
    });
    call.on("error", reject);
    call.end(payload);
  });
}

/** Whether the same request may succeed later: the broker is away or overloaded. */
export function isTemporary(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/** Waits between tries: short at first, because a broker restarts within a second. */
export function backOffMs(attempt: number): number {
  return Math.min(1_000, 50 * 2 ** (attempt - 1));
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
