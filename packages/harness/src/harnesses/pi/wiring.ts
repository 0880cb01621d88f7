import { joinPath, privateFile } from "../../launch/private-files.ts";
import { noWiring, type Wiring, type WiringInput } from "../../launch/wiring.ts";
import { piExtension } from "./extension.ts";

/** Pi: an extension of its own; where the relay listens, and its token, stand in the environment. */
export function wirePi({ request, hookUrl, openToOptions }: WiringInput): Wiring {
  const tools = request.mcpUrl !== undefined;
  // A headless one says everything on its stdout.
  const reports = hookUrl !== undefined && request.launch.runtime !== "headless";
  if (!openToOptions || (!tools && !reports)) return noWiring;
  const extension = privateFile(request, "extension.js", piExtension({ reports }));
  return {
    ...noWiring,
    flags: ["--extension", joinPath(request.privateDir, extension.path)],
    files: [extension],
    tools,
  };
}
