/**
 * Stands in for npm: puts a small program where the package's would be, and keeps a journal of its runs.
 *
 * `node fake-npm.mjs <journal> <how>` and npm's own words. `how` is a comma between `slow`, `until=<file>`, `fails`, `empty` (a package
 * without its program), `broken` (a program that fails) and `says=<version>`.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

const [journal, how, ...words] = process.argv.slice(2);
const folder = words[words.indexOf("--prefix") + 1];
const [[name, version]] = Object.entries(
  JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")).dependencies,
);
appendFileSync(journal, `${name}@${version} ${words.join(" ")}\n`);

const ways = how.split(",");
if (ways.includes("slow")) await sleep(1_000);
const sign = ways.find((way) => way.startsWith("until="))?.slice("until=".length);
while (sign !== undefined && !existsSync(sign)) await sleep(20);
if (ways.includes("fails")) {
  process.stderr.write(
    `${"chatter\n".repeat(40)}npm error code E404\nnpm error 404 No match found for version ${version}\n`,
  );
  process.exit(1);
}
const said = ways.find((way) => way.startsWith("says="))?.slice("says=".length) ?? version;
const home = path.join(folder, "node_modules", name);
mkdirSync(home, { recursive: true });
writeFileSync(path.join(home, "package.json"), "{}");
if (!ways.includes("empty"))
  writeFileSync(
    path.join(home, "program"),
    `#!/bin/sh\necho "the program ${said}. HOME=$HOME"\nexit ${ways.includes("broken") ? 7 : 0}\n`,
    { mode: 0o755 },
  );
