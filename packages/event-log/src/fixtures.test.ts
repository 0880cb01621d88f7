/**
 * A8: every fact ever written still parses. Each folder in `fixtures` holds facts as that version of the log stored
 * them; files are only ever added.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { eventTypes, Fact } from "@agent-relay/protocol";
import { describe, expect, test } from "vitest";
import { recordedFrom, storable } from "./stored-fact.ts";

const fixtures = join(import.meta.dirname, "..", "fixtures");
const versions = readdirSync(fixtures);
const newest = versions.toSorted((one, other) => Number(one.slice(1)) - Number(other.slice(1))).at(-1) ?? "";

test.each([...eventTypes])("A8: there is a fixture of %s", (type) => {
  expect(readdirSync(join(fixtures, newest))).toContain(`${type}.json`);
});

describe.each(versions)("facts of log %s", (version) => {
  const files = readdirSync(join(fixtures, version));

  test.each(files)("A8: %s parses, and nothing of it is lost", (file) => {
    const stored: unknown = JSON.parse(readFileSync(join(fixtures, version, file), "utf8"));
    expect(Fact.parse(stored)).toMatchObject(stored as object);
    expect(stored).toHaveProperty("type", file.replace(/\.json$/, ""));
  });

  test.each(files)("S3: a field that %s did not have is ignored when it is read", (file) => {
    const stored = JSON.parse(readFileSync(join(fixtures, version, file), "utf8")) as Fact;
    const row = { sequence: 1, stream: "any", revision: 1, type: stored.type, at: 1, actor: null };
    const read = recordedFrom(
      { ...row, data: JSON.stringify({ ...stored, fromTheFuture: { nested: [1] } }) },
      "events.db",
    );
    expect(read.event).toEqual(storable(stored).event);
  });
});
