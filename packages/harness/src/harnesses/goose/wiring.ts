import { shellWords } from "../../command-line.ts";
import { noWiring, type Wiring, type WiringInput } from "../../launch/wiring.ts";

/** Goose: tools from a command on stdio, which finds its token in the environment that it inherits. */
export function wireGoose({ request, openToOptions }: WiringInput): Wiring {
  if (!openToOptions) return noWiring;
  if (request.mcpCommand === undefined) {
    return {
      ...noWiring,
      notes: ["Goose gets no relay tools: it takes them only from a command on stdio, and none is given."],
    };
  }
  return { ...noWiring, flags: ["--with-extension", shellWords(request.mcpCommand)], tools: true };
}
