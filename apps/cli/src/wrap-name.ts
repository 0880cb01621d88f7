/** What a wrapped program is called when nobody says so: by its own name, with a number if that is taken. */
import { basename } from "node:path";
import { harnessById, inferHarness } from "@agent-relay/harness";
import { AgentName } from "@agent-relay/protocol";

/** So many programs of one kind at once are no accident. */
const namesMax = 100;
/** Leaves room for a number. */
const charactersMax = 36;

export function* wrapNames(words: readonly string[]): Generator<string> {
  const plain = programName(words);
  for (let number = 1; number <= namesMax; number += 1) {
    const name = number === 1 ? plain : `${plain}-${number}`;
    if (AgentName.safeParse(name).success) yield name;
  }
}

function programName(words: readonly string[]): string {
  const [first = ""] = words;
  const found = inferHarness(words.length === 1 ? first : words);
  const known = found.harness === undefined ? undefined : harnessById(found.harness)?.recognition.programs[0];
  const name = (known ?? basename(found.executable ?? first))
    .toLowerCase()
    .replace(/\.[a-z]+$/, "")
    .replace(/[^a-z0-9_-]+/g, "-")
    .replace(/^[-_]+|[-_]+$/g, "")
    .slice(0, charactersMax);
  return name === "" ? "agent" : name;
}
