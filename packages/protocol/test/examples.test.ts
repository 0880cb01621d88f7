/**
 * Every event, frame and method has an example file, and every example is one that our schemas, and the published JSON
 * Schema, accept. Add a row to a table of the protocol, and the missing example fails here.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import type { z } from "zod";
import { ClientFrame, Fact, RelayEvent, ServerFrame, methods } from "../src/index.ts";
import { jsonSchemaDocument, schemaId, type JsonSchema } from "./json-schema.ts";

const folder = join(import.meta.dirname, "../examples");
const nothing = { owner: () => undefined, field: () => undefined };
const ajv = new Ajv2020({ allErrors: true, strict: false });
ajv.addSchema(jsonSchemaDocument(nothing));

const events = Fact.options.map((option) => option.shape.type.value);
const frames = [
  ...ClientFrame.options.map((option) => ["client", option.shape.type.value, ClientFrame] as const),
  ...ServerFrame.options.map((option) => ["broker", option.shape.type.value, ServerFrame] as const),
];

test.each(events)("the example of the event %s is one", (type) => {
  const example = read(`events/${type}.json`);
  expect(example).toMatchObject({ type });
  accepts(RelayEvent, "RelayEvent", example);
});

test.each(frames)("the example of the frame %s.%s is one", (side, type, schema) => {
  const example = read(`frames/${side}.${type}.json`);
  expect(example).toMatchObject({ type });
  accepts(schema, side === "client" ? "ClientFrame" : "ServerFrame", example);
});

test.each(Object.entries(methods))("the example of the method %s fits its params and its result", (name, method) => {
  const example = read(`methods/${name}.json`);
  accepts(method.params, `${name}.params`, example["params"]);
  accepts(method.result, `${name}.result`, example["result"]);
});

test("no example is left of something that is gone", () => {
  expect(names("events")).toEqual([...events].sort());
  expect(names("frames")).toEqual(frames.map(([side, type]) => `${side}.${type}`).sort());
  expect(names("methods")).toEqual(Object.keys(methods).sort());
});

test("the JSON Schema allows fields that it does not name, as the broker does", () => {
  const frame = { ...read("frames/client.hello.json"), colour: "green" };
  accepts(ClientFrame, "ClientFrame", frame);
});

test("the JSON Schema refuses what the broker refuses: a reserved name", () => {
  const example = { ...(read("methods/agent.register.json")["params"] as JsonSchema), name: "everyone" };
  expect(methods["agent.register"].params.safeParse(example).success).toBe(false);
  expect(ajv.validate(`${schemaId}#/$defs/agent.register.params`, example)).toBe(false);
});

function accepts(schema: z.ZodType, definition: string, example: unknown): void {
  expect(schema.safeParse(example).error?.issues).toBeUndefined();
  ajv.validate(`${schemaId}#/$defs/${definition}`, example);
  expect(ajv.errors).toBeNull();
}

function read(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, file), "utf8")) as Record<string, unknown>;
}

function names(of: string): string[] {
  return readdirSync(join(folder, of))
    .map((file) => file.replace(/\.json$/u, ""))
    .sort();
}
