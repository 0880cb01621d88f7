/** The repository as the architecture rules see it: packages with their manifests, and source files with their syntax. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import ts from "typescript";

export const root = join(import.meta.dirname, "..");

export interface Manifest {
  readonly name: string;
  readonly version?: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly publishConfig?: { readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>> };
}

export interface Package {
  /** For example `packages/broker`. */
  readonly folder: string;
  readonly manifest: Manifest;
}

export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly syntax: ts.SourceFile;
  /** What it imports or re-exports, as written. */
  readonly imports: readonly string[];
}

export const packages: readonly Package[] = ["packages", "apps"].flatMap((parent) =>
  readdirSync(join(root, parent))
    .map((name) => `${parent}/${name}`)
    .filter((folder) => existsSync(join(root, folder, "package.json")))
    .map((folder) => ({
      folder,
      manifest: JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Manifest,
    })),
);

/** Every TypeScript file under a package's `src`, tests included. */
export const allSources: readonly SourceFile[] = packages
  .flatMap(({ folder }) => filesUnder(join(root, folder, "src")))
  .map(parse);

/** What ships: no private package, no tests, no examples, and nothing that is there for other people's tests. */
export const shipped: readonly SourceFile[] = allSources.filter(({ path }) => isPublished(path) && !isForTests(path));

function isPublished(path: string): boolean {
  return packages.some(({ folder, manifest }) => path.startsWith(`${folder}/`) && manifest.private !== true);
}

export function isForTests(path: string): boolean {
  return /\.(test|examples)\.ts$/u.test(path) || path.includes("/testing/") || path.startsWith("packages/testkit/");
}

/** Every name that a package.json declares in any group. */
export function declared(manifest: Manifest): readonly string[] {
  const groups = [
    manifest.dependencies,
    manifest.devDependencies,
    manifest.peerDependencies,
    manifest.optionalDependencies,
  ];
  return groups.flatMap((group) => Object.keys(group ?? {}));
}

/** Names that the file takes from around it, such as `Date` and `process.env`; neither property names nor text in strings. */
export function freeNames(file: SourceFile): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression))
      found.add(`${node.expression.text}.${node.name.text}`);
    if (ts.isIdentifier(node) && !isNameOfSomethingElse(node)) found.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(file.syntax);
  return found;
}

/** Every string and template text in the file. */
export function texts(file: SourceFile): readonly string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node))
      found.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(file.syntax);
  return found;
}

export function has(file: SourceFile, kind: (node: ts.Node) => boolean): boolean {
  const visit = (node: ts.Node): boolean => kind(node) || (ts.forEachChild(node, visit) ?? false);
  return visit(file.syntax);
}

function isNameOfSomethingElse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  if (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isPropertyDeclaration(parent))
    return parent.name === node;
  if (ts.isMethodDeclaration(parent) || ts.isMethodSignature(parent)) return parent.name === node;
  return ts.isParameter(parent) || ts.isTypeReferenceNode(parent);
}

function filesUnder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function parse(file: string): SourceFile {
  const syntax = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2023, true);
  const imports: string[] = [];
  const visit = (node: ts.Node): void => {
    const specifier =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.arguments[0]
          : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
            ? node.argument.literal
            : undefined;
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) imports.push(specifier.text);
    ts.forEachChild(node, visit);
  };
  visit(syntax);
  return { path: relative(root, file).split(sep).join("/"), syntax, imports };
}
