export type { RelayCalls } from "./calls.ts";
export { createMcpEndpoint } from "./endpoint.ts";
export type { HookSignal, McpEndpointOptions } from "./endpoint.ts";
export type { McpLogger } from "./failure.ts";
export { runStdioServer } from "./stdio.ts";
export type { StdioServer, StdioServerOptions } from "./stdio.ts";
