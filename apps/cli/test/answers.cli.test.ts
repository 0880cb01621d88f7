/** Answering what a blocked agent asks. */
import { relayError } from "@agent-relay/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fakeBroker, type Answers, type FakeBroker } from "./fake-broker.ts";
import { makeHome, type Home } from "./home.ts";
import { agent } from "./views.ts";

let home: Home;
let fake: FakeBroker | undefined;
beforeEach(() => {
  home = makeHome();
});
afterEach(async () => {
  await home.remove();
  await fake?.close();
  fake = undefined;
});

const serve = async (answers: Answers): Promise<FakeBroker> => (fake = await fakeBroker(home, { answers }));
const asking = agent({
  state: "blocked",
  status: "blocked",
  blockedKind: "permission",
  block: { sequence: 41, what: "Bash(rm -rf x)", answerable: true },
});

test.each([
  ["approve", "approved"],
  ["deny", "denied"],
] as const)("%s answers what it shows, and nothing that came later", async (verdict, done) => {
  await serve({ "agent.list": () => ({ agents: [asking] }), "agent.answer": ({ block }) => ({ block: block ?? 0 }) });
  expect(await home.run([verdict, "ada"])).toEqual({
    status: 0,
    out: `${done}: Bash(rm -rf x) for ada\n`,
    err: "ada asks: Bash(rm -rf x)\n",
  });
  expect(fake?.asked[1]).toMatchObject({ method: "agent.answer", params: { name: "ada", verdict, block: 41 } });
});

test("approve --block answers that one, and --json says which it was", async () => {
  await serve({ "agent.list": () => ({ agents: [asking] }), "agent.answer": ({ block }) => ({ block: block ?? 0 }) });
  const [other, same] = [
    await home.run(["approve", "ada", "--block", "40", "--json"]),
    await home.run(["approve", "ada", "--block", "41", "--json"]),
  ];
  expect([JSON.parse(other.out), JSON.parse(same.out), other.err]).toEqual([
    { agent: "ada", verdict: "approve", block: 40, kind: null, what: null },
    { agent: "ada", verdict: "approve", block: 41, kind: "permission", what: "Bash(rm -rf x)" },
    "",
  ]);
});

test.each([
  [
    relayError("already_answered", "this is over.", { data: { by: "eve", verdict: "deny" } }),
    "error: this is over. eve has denied it.\n→ agent-relay who shows what it waits for now\n",
  ],
  [
    relayError("not_answerable", "only its own terminal can answer this"),
    "error: only its own terminal can answer this\n→ answer it at the program's own terminal: agent-relay attach ada --mode drive\n",
  ],
  [
    relayError("not_blocked", "ada waits for nobody"),
    "error: ada waits for nobody\n→ agent-relay who shows who waits, and for what\n",
  ],
])("an answer that comes to nothing says why, and what to do: %s", async (refusal, said) => {
  await serve({
    "agent.list": () => ({ agents: [agent({})] }),
    "agent.answer": () => {
      throw refusal;
    },
  });
  expect(await home.run(["approve", "ada"])).toEqual({ status: 1, out: "", err: said });
});
