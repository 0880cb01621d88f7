import { protocolVersion } from "@agent-relay/protocol";
import type { ActionResult, Context } from "../context.ts";
import { libcOf } from "../doctor/machine.ts";
import { programVersion } from "../program.ts";

export function run(context: Context): ActionResult {
  const { output } = context;
  const answer = {
    version: programVersion,
    protocol: protocolVersion,
    node: process.version,
    platform: process.platform,
    arch: process.arch,
    libc: libcOf(),
  };
  if (output.isJson) output.document(answer);
  else {
    output.line(`agent-relay ${answer.version}`);
    output.line(`protocol    ${answer.protocol}`);
    output.line(
      `node        ${answer.node} on ${answer.platform} ${answer.arch}${answer.libc === null ? "" : `, ${answer.libc}`}`,
    );
  }
  return Promise.resolve(undefined);
}
