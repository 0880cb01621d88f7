import type { Harness } from "../../harness.ts";
import { plainRow } from "../baseline.ts";

export const pi: Harness = {
  ...plainRow,
  id: "pi",
  title: "Pi",
  about: "A small coding agent.",
  recognition: { programs: ["pi"], npmPackages: ["@earendil-works/pi-coding-agent", "@mariozechner/pi-coding-agent"] },
  versions: { tried: ["0.87.1"], note: "Run against a scripted model, November 2026." },
  model: { flags: ["--model"], inject: (model) => ["--model", model] },
  connection: { noToolsBecause: "it has no MCP client" },
  sessionFlag: "--session-id",
  set: {},
  exitCommand: "\u0004",
};
