import { startScriptedModel } from "@agent-relay/testkit";

const deploys = { when: /^deploy/, reply: [{ call: { kind: "shell", command: "make deploy" } }, { say: "It is out." }] } as const;
const model = await startScriptedModel({ rules: [deploys] });
const claude = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_AUTH_TOKEN: "any" };
// Run `claude` with this environment, prompt it, and then:
const prompts = model.requests().flatMap(({ asked }) => (asked?.purpose === "turn" ? asked.text : []));
await model.close();
