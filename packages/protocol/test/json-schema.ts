/**
 * The protocol as one JSON Schema document: a definition per exported schema, event, and method's `params` and `result`.
 *
 *   J1  It accepts what our broker accepts: fields that it does not name are allowed (zod's `io: "input"`).
 *   J2  A shape that has a name is written once and referred to elsewhere.
 */
import { z } from "zod";
import * as protocol from "../src/index.ts";
import { AgentName, ClientFrame, Fact, ServerFrame, methods, protocolVersion, reservedNames } from "../src/index.ts";
import type { SourceComments } from "./source-comments.ts";

export type JsonSchema = { [key: string]: unknown };
export type Definitions = Readonly<Record<string, JsonSchema>>;

export const schemaId = `urn:agent-relay:protocol:v${protocolVersion}`;

export function jsonSchemaDocument(comments: SourceComments): JsonSchema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: schemaId,
    title: `agent-relay protocol, version ${protocolVersion}`,
    description:
      "Generated from the zod schemas. A text message from a client is a ClientFrame, one from the broker a ServerFrame.",
    anyOf: [{ $ref: "#/$defs/ClientFrame" }, { $ref: "#/$defs/ServerFrame" }],
    $defs: definitions(comments),
  };
}

export function definitions(comments: SourceComments): Definitions {
  const registry = z.registry<{ id: string }>();
  const add = (id: string, schema: z.ZodType, owner: string): void => {
    // The same object under two names, for example an empty result, keeps the first.
    if (!registry.has(schema)) registry.add(schema, { id });
    owners.set(id, owner);
  };
  const owners = new Map<string, string>();
  for (const [name, value] of Object.entries(protocol)) if (value instanceof z.ZodType) add(name, value, name);
  for (const option of Fact.options) add(`event.${option.shape.type.value}`, option, option.shape.type.value);
  for (const option of ClientFrame.options) add(`client.${option.shape.type.value}`, option, option.shape.type.value);
  for (const option of ServerFrame.options) add(`broker.${option.shape.type.value}`, option, option.shape.type.value);
  const copies: [id: string, schema: z.ZodType][] = [];
  for (const [name, method] of Object.entries(methods)) {
    for (const part of ["params", "result"] as const) {
      const id = `${name}.${part}`;
      if (registry.has(method[part])) copies.push([id, method[part]]);
      else add(id, method[part], id);
    }
  }

  const { schemas } = z.toJSONSchema(registry, {
    io: "input",
    uri: (id) => `#/$defs/${id}`,
    override: ({ zodSchema, jsonSchema }) => {
      // A refinement has no JSON Schema of its own.
      if (zodSchema === (AgentName as unknown)) jsonSchema.not = { enum: [...reservedNames] };
    },
  });
  const result: Record<string, JsonSchema> = {};
  for (const [id, schema] of Object.entries(schemas))
    result[id] = describe(withoutHeader(schema as JsonSchema), owners.get(id) ?? id, comments);
  for (const [id, schema] of copies) {
    const first = registry.get(schema)?.id ?? id;
    // A shape with a name of its own is referred to; one that two methods happen to share, such as an empty result, is not.
    result[id] = /^[A-Z]/u.test(first) ? { $ref: `#/$defs/${first}` } : structuredClone(result[first] ?? {});
  }
  return Object.fromEntries(Object.entries(result).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function withoutHeader({ $schema: _dialect, $id: _id, id: _name, ...schema }: JsonSchema): JsonSchema {
  return schema;
}

function describe(schema: JsonSchema, owner: string, comments: SourceComments): JsonSchema {
  const about = comments.owner(owner);
  const properties = schema["properties"] as Record<string, JsonSchema> | undefined;
  for (const [field, property] of Object.entries(properties ?? {})) {
    const said = comments.field(owner, field);
    if (said !== undefined && property["description"] === undefined) property["description"] = said;
  }
  return about === undefined ? schema : { description: about, ...schema };
}
