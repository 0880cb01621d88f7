/**
 * The doc comments of the schemas, by owner and field, read from the sources.
 *
 * Schemas are documented where they are written; this carries what is said there into the JSON Schema and the
 * reference pages, so that nothing is described twice.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

export interface SourceComments {
  /** What is said of a frame or event (by its `type`), an exported schema (by its name), or a method's `params` or `result`. */
  readonly owner: (name: string) => string | undefined;
  readonly field: (owner: string, field: string) => string | undefined;
}

export function readSourceComments(folder: string, files: readonly string[]): SourceComments {
  const owners = new Map<string, string>();
  const fields = new Map<string, string>();
  for (const file of files) {
    const text = readFileSync(join(folder, file), "utf8");
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
    const comment = (node: ts.Node): string | undefined => {
      const ranges = ts.getLeadingCommentRanges(text, node.getFullStart()) ?? [];
      const last = ranges.at(-1);
      return last === undefined ? undefined : plain(text.slice(last.pos, last.end));
    };
    const note = (map: Map<string, string>, key: string, value: string | undefined): void => {
      if (value !== undefined && !map.has(key)) map.set(key, value);
    };
    const visit = (node: ts.Node, method: string | undefined, variable: ts.VariableStatement | undefined): void => {
      if (ts.isVariableStatement(node)) {
        const name = node.declarationList.declarations[0]?.name.getText();
        if (name !== undefined) note(owners, name, comment(node));
        ts.forEachChild(node, (child) => visit(child, method, node));
        return;
      }
      const literal = ts.isCallExpression(node) ? node.arguments.find(ts.isObjectLiteralExpression) : undefined;
      if (ts.isCallExpression(node) && literal !== undefined && /\.(object|extend)$/u.test(node.expression.getText())) {
        const owner = typeLiteral(literal) ?? method ?? variable?.declarationList.declarations[0]?.name.getText();
        if (owner !== undefined) {
          if (typeLiteral(literal) !== undefined) note(owners, owner, comment(node));
          for (const property of literal.properties) {
            const name = property.name?.getText().replaceAll('"', "");
            if (name !== undefined) note(fields, `${owner}.${name}`, comment(property));
          }
        }
      }
      const inMethod =
        ts.isPropertyAssignment(node) &&
        /^(params|result)$/u.test(node.name.getText()) &&
        ts.isPropertyAssignment(node.parent.parent)
          ? `${node.parent.parent.name.getText().replaceAll('"', "")}.${node.name.getText()}`
          : method;
      ts.forEachChild(node, (child) => visit(child, inMethod, variable));
    };
    visit(source, undefined, undefined);
  }
  return { owner: (name) => owners.get(name), field: (owner, field) => fields.get(`${owner}.${field}`) };
}

/** `x` of `z.object({ type: z.literal("x"), … })`. */
function typeLiteral(literal: ts.ObjectLiteralExpression): string | undefined {
  for (const property of literal.properties) {
    if (!ts.isPropertyAssignment(property) || property.name.getText() !== "type") continue;
    return /^z\.literal\("([^"]+)"\)$/u.exec(property.initializer.getText())?.[1];
  }
  return undefined;
}

/** The text of a doc comment on one line; nothing for other comments. */
function plain(comment: string): string | undefined {
  if (!comment.startsWith("/**")) return undefined;
  return comment
    .replace(/^\/\*\*/u, "")
    .replace(/\*\/$/u, "")
    .replace(/^[ \t]*\* ?/gmu, "")
    .replace(/\s+/gu, " ")
    .trim();
}
