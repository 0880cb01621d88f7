import { expect, test } from "vitest";
import { completionCall, exampleOf, findTool, shellCall, subagentCall } from "./tools.ts";
import type { OfferedTool } from "./tools.ts";

const tool = (
  name: string,
  properties: Record<string, unknown> = {},
  more: Partial<OfferedTool> = {},
): OfferedTool => ({
  name,
  schema: { type: "object", properties, required: Object.keys(properties) },
  ...more,
});
const named = (tools: readonly OfferedTool[], wanted: string): string | undefined => {
  const found = findTool(tools, wanted);
  return found === undefined ? undefined : `${found.namespace ?? ""}${found.name}`;
};

test.each([
  [["Bash", "mcp__relay__send_message"], "Bash", "Bash"],
  [["SendMessage", "mcp__relay__send_message"], "send_message", "mcp__relay__send_message"],
  [["mcp_relay_send_message"], "send_message", "mcp_relay_send_message"],
  [["relay_send_message"], "send_message", "relay_send_message"],
  [["mcp__other__send_message", "mcp__relay__send_message"], "send_message", "mcp__relay__send_message"],
  [["run_shell_command"], "BASH", undefined],
  [["bash"], "Bash", "bash"],
  [["run_shell_command"], "shell", "run_shell_command"],
])("of %j, %s is %s", (names, wanted, found) => {
  expect(
    named(
      names.map((name) => tool(name)),
      wanted,
    ),
  ).toBe(found);
});

test("a tool in the relay's namespace goes before one of the same name", () => {
  const tools = [
    tool("send_message", {}, { namespace: "collaboration" }),
    tool("send_message", {}, { namespace: "mcp__relay" }),
  ];
  expect(named(tools, "send_message")).toBe("mcp__relaysend_message");
});

test.each([
  [tool("Bash", { command: { type: "string" } }), { command: "ls" }],
  [tool("exec_command", { cmd: { type: "string" } }), { cmd: "ls" }],
  [tool("shell", { command: { type: "array" } }), { command: ["sh", "-c", "ls"] }],
  [
    tool("bash", { command: { type: "string" }, description: { type: "string" } }),
    { command: "ls", description: "scripted" },
  ],
])("a command line is run the way the program offers", (offered, input) => {
  expect(shellCall([tool("Read"), offered], "ls")).toEqual({ tool: offered, input });
});

test.each([
  [
    tool("Agent", { description: {}, prompt: {}, subagent_type: {} }),
    { description: "scripted subagent", prompt: "go", subagent_type: "general-purpose" },
  ],
  [
    tool("task", { prompt: {}, subagent_type: { enum: ["build", "general"] } }),
    { prompt: "go", subagent_type: "general" },
  ],
  [tool("invoke_agent", { agent_name: {}, prompt: {} }), { agent_name: "generalist", prompt: "go" }],
  [tool("spawn_agent", { message: {} }), { message: "go" }],
])("a subagent is started the way the program offers", (offered, input) => {
  expect(subagentCall([tool("mcp__relay__spawn_agent"), offered], "go")?.input).toEqual(input);
});

test("the relay's spawn_agent starts no subagent", () => {
  expect(subagentCall([tool("spawn_agent", { message: {} }, { namespace: "mcp__relay" })], "go")).toBeUndefined();
});

test("a task is completed with the result in every text that is asked for", () => {
  const offered = tool("complete_task", { result: { type: "object", properties: { response: { type: "string" } } } });
  expect(completionCall([offered], "fine")?.input).toEqual({ result: { response: "fine" } });
});

test("an example has the kinds that its schema asks for", () => {
  const properties = {
    next_speaker: { type: "string", enum: ["model", "user"] },
    choice: { enum: ["flash", "pro"] },
    fixed: { const: 7 },
    count: { type: "INTEGER", minimum: 3 },
    list: { type: "array" },
    yes: { type: "BOOLEAN" },
    words: { type: ["string", "null"] },
  };
  expect(exampleOf({ type: "object", properties }, "text")).toEqual({
    next_speaker: "user",
    choice: "flash",
    fixed: 7,
    count: 3,
    list: [],
    yes: false,
    words: "text",
  });
});
