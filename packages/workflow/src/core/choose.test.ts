import fc from "fast-check";
import { expect, test } from "vitest";
import { chooseOwner, chooseReviewer, hasPhrase, hubRank, type Candidate } from "./choose.ts";

const agent = (name: string, rest: Partial<Candidate> = {}): Candidate => ({ name, interactive: true, ...rest });

test("lead beats coordinator", () => {
  expect(chooseOwner("dev", [agent("a-coordinator"), agent("dev"), agent("z-lead")])).toBe("z-lead");
});

test("each hub word beats the ones after it", () => {
  const names = ["lead", "coordinator", "supervisor", "orchestrator", "hub", "auctioneer"];
  names.forEach((name, index) => {
    expect(
      chooseOwner(
        "dev",
        [...names.slice(index)].reverse().map((other) => agent(`x-${other}`)),
      ),
    ).toBe(`x-${name}`);
  });
});

test("H1: an agent called github-integration is no hub", () => {
  expect(chooseOwner("dev", [agent("dev"), agent("github-integration")])).toBe("dev");
});

test("H1: a role that speaks of GitHub or github integration is no hub", () => {
  expect(chooseOwner("dev", [agent("dev"), agent("a", { role: "GitHub integration" })])).toBe("dev");
  expect(chooseOwner("dev", [agent("dev"), agent("b", { role: "github integration" })])).toBe("dev");
});

test("H1: a leader in cheerleading, a misleading role and a lead2 are no leads", () => {
  for (const role of ["misleading documents", "leadership", "lead2"]) expect(hubRank(agent("x", { role }))).toBe(0);
});

test("a hub word counts in the role as well as in the name, whatever its capitals", () => {
  expect(chooseOwner("dev", [agent("dev"), agent("ada", { role: "Team LEAD" })])).toBe("ada");
});

test("H2: ties go by name", () => {
  expect(chooseOwner("dev", [agent("lead-b"), agent("lead-a")])).toBe("lead-a");
});

test("H3: who is not interactive owns nothing", () => {
  expect(chooseOwner("dev", [agent("dev"), agent("lead", { interactive: false })])).toBe("dev");
});

test("H3: the lead's own step goes to another hub, or else to itself", () => {
  expect(chooseOwner("lead", [agent("lead"), agent("dev")])).toBe("lead");
  expect(chooseOwner("lead", [agent("lead"), agent("coordinator")])).toBe("coordinator");
});

test("the preset reviewer beats review in a role, which beats verifier, which beats critic", () => {
  const all = [
    agent("d-critic"),
    agent("c-verifier"),
    agent("b", { role: "code review" }),
    agent("a", { preset: "reviewer", interactive: false }),
  ];
  const part = { specialist: "dev", owner: "lead" };
  expect(chooseReviewer(part, all).reviewer).toBe("a");
  expect(chooseReviewer(part, all.slice(0, 3)).reviewer).toBe("b");
  expect(chooseReviewer(part, all.slice(0, 2)).reviewer).toBe("c-verifier");
  expect(chooseReviewer(part, all.slice(0, 1)).reviewer).toBe("d-critic");
});

test("H1: a preview builder is no reviewer", () => {
  const agents = [agent("aaa"), agent("preview-builder", { interactive: false })];
  expect(chooseReviewer({ specialist: "dev", owner: "lead" }, agents).reviewer).toBe("aaa");
});

test("without a reviewer any other interactive agent approves", () => {
  const agents = [agent("dev"), agent("lead"), agent("batch", { interactive: false }), agent("zoe")];
  expect(chooseReviewer({ specialist: "dev", owner: "lead" }, agents)).toEqual({ reviewer: "zoe", independent: true });
});

test("H4: with nobody else the owner approves, and it is said that this is not independent", () => {
  const agents = [agent("dev"), agent("lead")];
  expect(chooseReviewer({ specialist: "dev", owner: "lead" }, agents)).toEqual({
    reviewer: "lead",
    independent: false,
  });
});

test("H4: a reviewer does not approve its own step while somebody else is there", () => {
  const agents = [agent("reviewer"), agent("lead"), agent("dev")];
  expect(chooseReviewer({ specialist: "reviewer", owner: "lead" }, agents).reviewer).toBe("dev");
});

test("H2: the order of the agents never matters", () => {
  const names = fc.constantFrom("lead", "dev", "coordinator", "qa", "critic", "hub", "reviewer", "ada");
  fc.assert(
    fc.property(fc.uniqueArray(names, { minLength: 1 }), fc.gen(), (list, gen) => {
      const agents = list.map((name) => agent(name));
      const shuffled = gen(fc.shuffledSubarray, agents, { minLength: agents.length });
      const owner = chooseOwner("dev", agents);
      expect(chooseOwner("dev", shuffled)).toBe(owner);
      const part = { specialist: "dev", owner };
      expect(chooseReviewer(part, shuffled)).toEqual(chooseReviewer(part, agents));
    }),
  );
});

test("a phrase of several words is found word for word", () => {
  expect(hasPhrase({ name: "x", role: "the Red team" }, "red-team")).toBe(true);
  expect(hasPhrase({ name: "red-teaming" }, "red-team")).toBe(false);
});
