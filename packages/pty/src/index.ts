export { connectPtyHost } from "./client.ts";
export type { ConnectedPtyHost, ConnectPtyHostOptions } from "./client.ts";
export { startPtyHost } from "./start.ts";
export type { StartPtyHostOptions } from "./start.ts";
