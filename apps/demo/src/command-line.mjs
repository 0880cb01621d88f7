/**
 * The command line of `npm start`: what was asked for, and whether it is there.
 *
 *   C1  `--offline-model` alone means claude and codex; a program that is named twice plays once.
 *   C2  What cannot be done is said before anything is installed or started, with what to type instead.
 *
 * Plain JavaScript, because it answers in a fresh clone, where nothing has been built yet.
 */
import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";

export const players = [
  {
    name: "claude",
    id: "claude-code",
    title: "Claude Code",
    install: "npm install --global @anthropic-ai/claude-code",
    megabytes: 361,
  },
  { name: "codex", id: "codex", title: "Codex", install: "npm install --global @openai/codex", megabytes: 404 },
  {
    name: "gemini",
    id: "gemini-cli",
    title: "Gemini CLI",
    install: "npm install --global @google/gemini-cli",
    megabytes: 100,
  },
];

const known = players.map(({ name }) => name).join(", ");

export const help = `The main job of agent-relay, watched from end to end in a temporary project.

  npm start                                         scripted agents alone: no account, no network, no tokens
  npm start -- --with claude,codex                  your own Claude Code and Codex join them
  npm start -- --with claude,codex --offline-model  pinned ones join, with a scripted model in place of their providers

What you will see: everybody is ready; a message to a channel that everybody answers; a chain of replies; one agent killed
with SIGKILL and back, a real one with its conversation; the broker killed in the middle of a storm of messages; then
each message accounted for, who used how many tokens, and that nothing is left behind.

Options
  --with <programs>  ${known}, with commas between them. They are looked for on your PATH and run as you:
                     a few short turns each on your own account.
  --offline-model    The same without an account and without tokens. The programs are fetched from npm in the version
                     that is pinned here and kept in ~/.cache/agent-relay/programs (about ${players[0].megabytes} MB for claude,
                     ${players[1].megabytes} MB for codex, once). Without --with it means claude and codex.
  --help             This text.

The \`--\` after \`npm start\` hands the options on; without it npm keeps them for itself.

The exit status is 0 if every promise was kept, 1 if one was broken, 2 if the command line makes no sense or a program
is missing, 130 after Ctrl-C.
`;

/** What the words ask for. `environment` shows what npm has kept for itself. */
export function readCommandLine(words, environment = {}) {
  const swallowed = environment.npm_config_with ?? environment.npm_config_offline_model;
  if (swallowed !== undefined)
    return wrong("npm has kept the options for itself.", [
      "Put `--` before them: npm start -- --with claude,codex --offline-model",
    ]);
  const named = [];
  let isWithGiven = false;
  let isOffline = false;
  const rest = [...words];
  while (rest.length > 0) {
    const word = rest.shift();
    if (word === "--help" || word === "-h") return { kind: "help" };
    if (word === "--offline-model") isOffline = true;
    else if (word === "--with" || word.startsWith("--with=")) {
      isWithGiven = true;
      const value = word.startsWith("--with=") ? word.slice("--with=".length) : takeValues(rest);
      named.push(...value.split(/[\s,]+/u).filter((it) => it !== ""));
    } else
      return wrong(`Expected --with, --offline-model or --help, found ${word}.`, [
        "To see what there is: npm start -- --help",
      ]);
  }
  if (isWithGiven && named.length === 0)
    return wrong("Expected programs after --with, found none.", [`For example: npm start -- --with claude,codex`]);
  const strangers = named.filter((name) => playerOf(name) === undefined);
  if (strangers.length > 0)
    return wrong(`Expected some of ${known} after --with, found ${strangers.join(", ")}.`, [
      "For example: npm start -- --with claude,codex",
      "Any other program joins a team of your own with `agent-relay spawn`.",
    ]);
  const chosen = isWithGiven ? named.map(playerOf) : isOffline ? players.slice(0, 2) : [];
  return { kind: "run", programs: [...new Set(chosen)], isOffline };
}

/** The first of the programs that are not on the PATH, as what to say of it; nothing if all are there. */
export function missingProgram({ programs, isOffline }, environment) {
  if (isOffline) return undefined;
  const missing = programs.filter(({ name }) => findOnPath(name, environment) === undefined);
  if (missing.length === 0) return undefined;
  const there = programs.filter((it) => !missing.includes(it)).map(({ name }) => name);
  return wrong(
    `${missing.map(({ name }) => name).join(" and ")} ${missing.length > 1 ? "are" : "is"} not on your PATH.`,
    [
      ...missing.map(({ name, install }) => `To install it: ${install}, then run \`${name}\` once and sign in.`),
      `Without installing or an account: npm start -- --with ${programs.map(({ name }) => name).join(",")} --offline-model`,
      ...(there.length > 0 ? [`With what is there: npm start -- --with ${there.join(",")}`] : []),
    ],
  );
}

/** Where a program is, as a shell would find it. */
export function findOnPath(name, environment) {
  return (environment.PATH ?? "")
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, name))
    .find(isExecutable);
}

export function problemText({ problem, next }) {
  return `\nstart: ${problem}\n${next.map((step) => `  ${step}\n`).join("")}`;
}

/** The words up to the next option: commas may have spaces around them. */
function takeValues(rest) {
  const end = rest.findIndex((word) => word.startsWith("-"));
  return rest.splice(0, end < 0 ? rest.length : end).join(" ");
}

function playerOf(name) {
  return players.find((it) => it.name === name || it.id === name);
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false; // Not there, or not for us: the next folder may have it.
  }
}

function wrong(problem, next) {
  return { kind: "wrong", problem, next };
}
