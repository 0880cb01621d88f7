import { personas, readJournal, scriptedAgentPath } from "@agent-relay/testkit";

const script = JSON.stringify({ ...personas.replier, turnMs: 200 });
const command = [process.execPath, scriptedAgentPath(), "--script", script];
const env = { SCRIPTED_AGENT_JOURNAL: "/tmp/journal.jsonl" };
// Run `command` with `env` in a terminal of yours, type to it, and then:
const prompts = readJournal(env.SCRIPTED_AGENT_JOURNAL).filter((entry) => entry.type === "prompt");
