/**
 * What is generated from the schemas and committed. `npm run api` rewrites the files; here, and in CI, they must be
 * what the sources say.
 */
import { join } from "node:path";
import { expect, test } from "vitest";
import { Fact, methods } from "../src/index.ts";
import { errorsPage, eventsPage, methodsPage } from "./documents.ts";
import { jsonSchemaDocument } from "./json-schema.ts";
import { readSourceComments } from "./source-comments.ts";

const sources = ["names.ts", "launch.ts", "events.ts", "views.ts", "methods.ts", "frames.ts", "errors.ts"];
const comments = readSourceComments(join(import.meta.dirname, "../src"), sources);
const docs = join(import.meta.dirname, "../../../docs/protocol");

test("the JSON Schema is the one that the zod schemas give", async () => {
  const text = `${JSON.stringify(jsonSchemaDocument(comments), undefined, 2)}\n`;
  await expect(text).toMatchFileSnapshot(join(import.meta.dirname, "../schema/v1.json"));
});

test("docs/protocol/events.md is printed from the event schemas", async () => {
  await expect(eventsPage(comments)).toMatchFileSnapshot(join(docs, "events.md"));
});

test("docs/protocol/methods.md is printed from the table of methods", async () => {
  await expect(methodsPage(comments)).toMatchFileSnapshot(join(docs, "methods.md"));
});

test("docs/protocol/errors.md is printed from the table of error codes", async () => {
  await expect(errorsPage()).toMatchFileSnapshot(join(docs, "errors.md"));
});

test.each(Fact.options.map((option) => option.shape.type.value))(
  "the event %s is described where its schema is written",
  (type) => {
    expect(comments.owner(type), `write a doc comment above z.object({ type: z.literal("${type}"), … })`).toMatch(
      /\.$/u,
    );
  },
);

test.each(Object.entries(methods))("the summary of %s is a sentence", (_name, method) => {
  expect(method.summary).toMatch(/^[A-Z].*\.$/u);
});
