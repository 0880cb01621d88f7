/**
 * Every example in a README of this repository compiles. What an example takes for granted stands in a comment before it:
 * `<!-- given: declare const stateDir: string; -->`.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "..");
const readmes = [
  "README.md",
  ...["packages", "apps"].flatMap((folder) =>
    readdirSync(path.join(root, folder)).map((name) => path.join(folder, name, "README.md")),
  ),
].filter((file) => existsSync(path.join(root, file)));

interface Example {
  readonly file: string;
  readonly text: string;
}

const examples = readmes.flatMap((readme): readonly Example[] => {
  const text = readFileSync(path.join(root, readme), "utf8");
  const blocks = [...text.matchAll(/(?:<!-- given: (?<given>[^]*?) -->\s*)?^```ts\n(?<code>[^]*?)^```/gmu)];
  return blocks.map((block, index) => ({
    // A file that exists only in the compiler's view, beside the package's sources, so that imports resolve as there.
    file: path.join(
      root,
      readme === "README.md" ? "apps/cli" : path.dirname(readme),
      "src",
      `readme-example-${index}.ts`,
    ),
    text: `export {};\n${block.groups?.["given"] ?? ""}\n${block.groups?.["code"] ?? ""}`,
  }));
});

test("each published package's README has an example", () => {
  const without = readmes.filter(
    (it) => it.startsWith("packages/") && !readFileSync(path.join(root, it), "utf8").includes("```ts\n"),
  );
  expect(without).toEqual([]);
});

test("every example compiles", { timeout: 60_000 }, () => {
  const { config } = ts.readConfigFile(path.join(root, "tsconfig.base.json"), (file) => readFileSync(file, "utf8"));
  const { options } = ts.convertCompilerOptionsFromJson((config as { compilerOptions: object }).compilerOptions, root);
  const texts = new Map(examples.map((it) => [it.file, it.text]));
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.fileExists = (file) => texts.has(file) || existsSync(file);
  host.getSourceFile = (file, version, ...rest) => {
    const text = texts.get(file);
    return text === undefined ? read(file, version, ...rest) : ts.createSourceFile(file, text, version);
  };
  const program = ts.createProgram([...texts.keys()], options, host);
  const problems = [...texts.keys()].flatMap((file) => {
    const source = program.getSourceFile(file);
    const found =
      source === undefined
        ? []
        : [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map((it) => `${path.relative(root, file)}: ${ts.flattenDiagnosticMessageText(it.messageText, " ")}`);
  });
  expect(problems).toEqual([]);
});
