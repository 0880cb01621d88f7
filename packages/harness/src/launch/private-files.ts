/** The files that a program gets for itself, as text. Each is written with mode 0600 and may hold its token. */
import type { LaunchRequest } from "./plan.ts";
import type { PlannedFile } from "./wiring.ts";

export function privateFile(request: LaunchRequest, name: string, content: string): PlannedFile {
  return { path: privateFileName(request.agent, request.epoch, name), mode: 0o600, content };
}

/** Agent and epoch are part of the name, so that no two incarnations share a path even in one directory. */
export function privateFileName(agent: string, epoch: number, name: string): string {
  return `${agent}@${epoch}.${name}`;
}

/** The token is read from here, so that it never stands among curl's arguments. */
export function curlConfig(url: string, token: string): string {
  return [
    `url = "${curlQuoted(url)}"`,
    `header = "Authorization: Bearer ${curlQuoted(token)}"`,
    'header = "Content-Type: application/json"',
    'noproxy = "*"',
    "silent",
    "max-time = 2",
    "",
  ].join("\n");
}

export function tomlStrings(words: readonly string[]): string {
  return `[${words.map((word) => JSON.stringify(word)).join(",")}]`;
}

export function joinPath(directory: string, path: string): string {
  return `${directory.replace(/[\\/]+$/u, "")}/${path}`;
}

export function fileUrl(path: string): string {
  const absolute = path.replaceAll("\\", "/");
  return `file://${absolute.startsWith("/") ? "" : "/"}${encodeURI(absolute).replaceAll("?", "%3F").replaceAll("#", "%23")}`;
}

export function shellQuoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function curlQuoted(text: string): string {
  return text
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll(/[\r\n]/gu, "");
}
