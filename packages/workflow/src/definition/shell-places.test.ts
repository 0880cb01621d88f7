import { expect, test } from "vitest";
import { placeInShell } from "./shell-places.ts";
import { timed } from "../testing/processor-time.ts";

const placed = (command: string, foreign = true) =>
  placeInShell(command, (name) => ({ template: `{{${name}}}`, foreign }));

const commandOf = (command: string): string => {
  const result = placed(command);
  if (!result.ok) throw new Error(result.message);
  return result.placed.command;
};

test.each([
  ["echo {{x}}", 'echo "$AR_1"'],
  ["echo --name={{x}}.txt", 'echo --name="$AR_1".txt'],
  ['echo "a {{x}} b"', 'echo "a ${AR_1} b"'],
  ["echo 'a {{x}} b'", `echo 'a '"\${AR_1}"' b'`],
  ["echo {{x}} {{y}} {{x}}", 'echo "$AR_1" "$AR_2" "$AR_1"'],
  ["A={{x}} make", 'A="$AR_1" make'],
  ['echo "$(basename {{x}})"', 'echo "$(basename "$AR_1")"'],
  ['echo "$(echo "{{x}}")"', 'echo "$(echo "${AR_1}")"'],
  ["cat <<EOF\nis {{x}}\nEOF\n", "cat <<EOF\nis ${AR_1}\nEOF\n"],
  ["cat <<-EOF\n\tis {{x}}\n\tEOF\necho {{x}}", 'cat <<-EOF\n\tis ${AR_1}\n\tEOF\necho "$AR_1"'],
  ["echo a # not {{x}}", "echo a # not {{x}}"],
  ["case {{x}} in a) echo 1;; *) echo {{x}};; esac", 'case "$AR_1" in a) echo 1;; *) echo "$AR_1";; esac'],
  ["echo $(case a in a) echo {{x}};; esac)", 'echo $(case a in a) echo "$AR_1";; esac)'],
  ["( cd {{x}} && ls )", '( cd "$AR_1" && ls )'],
  ["echo $((1 + (2)))/{{x}}", 'echo $((1 + (2)))/"$AR_1"'],
  ['echo "${HOME}/{{x}}"', 'echo "${HOME}/${AR_1}"'],
  ["sh -c 'echo \"$1\"' sh {{x}}", `sh -c 'echo "$1"' sh "$AR_1"`],
  ["awk -v n={{x}} '{print n}' f", `awk -v n="$AR_1" '{print n}' f`],
  ["jq --arg n {{x}} '.a == $n' f", `jq --arg n "$AR_1" '.a == $n' f`],
  ["echo read {{x}}", 'echo read "$AR_1"'],
  ["env A={{x}} make", 'env A="$AR_1" make'],
  ["export A={{x}}; make", 'export A="$AR_1"; make'],
  ["if test {{x}} = a; then echo b; fi", 'if test "$AR_1" = a; then echo b; fi'],
  ["docker ps --format '{{.Names}}' {{x}}", `docker ps --format '{{.Names}}' "$AR_1"`],
  ["echo \\{{x}} {{y}}", 'echo {{x}} "$AR_1"'],
  ["python tool.py {{x}}", 'python tool.py "$AR_1"'],
  ["git commit -m {{x}}", 'git commit -m "$AR_1"'],
  ["cat f | python parse.py {{x}}", 'cat f | python parse.py "$AR_1"'],
  ["echo {{x}} | ssh -q host cat", 'echo "$AR_1" | ssh -q host cat'],
  ["echo a \\\n  {{x}}", 'echo a \\\n  "$AR_1"'],
  ["ssh host ls > {{x}}", 'ssh host ls > "$AR_1"'],
  ["> {{x}} echo a 2>&1", '> "$AR_1" echo a 2>&1'],
  ["echo {{x}} | tee f; sh build.sh 2>&1", 'echo "$AR_1" | tee f; sh build.sh 2>&1'],
  ["echo {{x}} | { cat; }; (sh)", 'echo "$AR_1" | { cat; }; (sh)'],
  ["if grep -q {{x}} f; then a | b; fi; sh", 'if grep -q "$AR_1" f; then a | b; fi; sh'],
  ["echo {{x}} |\n  sh -e build.sh", 'echo "$AR_1" |\n  sh -e build.sh'],
  ["echo {{x}} | python -m json.tool", 'echo "$AR_1" | python -m json.tool'],
  ["echo {{x}} | xargs -n 1 rm", 'echo "$AR_1" | xargs -n 1 rm'],
  ["echo {{x}} | xargs -I{} sh -c 'rm \"$1\"' sh {}", `echo "$AR_1" | xargs -I{} sh -c 'rm "$1"' sh {}`],
  ["npm test -v {{x}}", 'npm test -v "$AR_1"'],
  ["timeout 5 grep {{x}} f", 'timeout 5 grep "$AR_1" f'],
  ["python -c 'a' -v {{x}}", `python -c 'a' -v "$AR_1"`],
  ["{ cat; } <<EOF\n{{x}}\nEOF\nsh build.sh", "{ cat; } <<EOF\n${AR_1}\nEOF\nsh build.sh"],
])("X1: %j becomes %j", (command, expected) => {
  expect(commandOf(command)).toBe(expected);
});

test.each([
  ["echo `basename {{x}}`", "backticks"],
  ["cat <<'EOF'\n{{x}}\nEOF", "nothing is expanded"],
  ['cat <<"EOF"\n{{x}}\nEOF', "nothing is expanded"],
  ["cat <<\\EOF\n{{x}}\nEOF", "nothing is expanded"],
  ["cat <<{{x}}\nEOF", "mark of a here-document"],
  ["echo ${A:-{{x}}}", "inside ${…}"],
  ["echo $(( {{x}} + 1 ))", "computes"],
  ["(( {{x}} ))", "computes"],
  ["echo ${{x}}", "a $ stands before"],
  ["echo \\\\{{x}}", "a backslash stands before"],
  ['echo "\\\\{{x}}"', "a backslash stands before"],
  ["{{x}} --version", "which program"],
  ["sudo {{x}}", "which program"],
  ["sudo -n {{x}}", "which program"],
  ["find . -exec {{x}} ;", "which program"],
  ["eval {{x}}", "as code"],
  ["sh -c 'echo {{x}}'", "as code"],
  ['bash -lc "echo {{x}}"', "as code"],
  ["/usr/bin/env bash -c {{x}}", "as code"],
  ["docker exec c sh -c 'echo {{x}}'", "as code"],
  ["$SHELL -c 'echo {{x}}'", "as code"],
  ["\\sh -c 'echo {{x}}'", "as code"],
  ["'sh' -c 'echo {{x}}'", "as code"],
  ["python3.11 -c 'print(\"{{x}}\")'", "as code"],
  ["node -e 'f({{x}})'", "as code"],
  ["node --eval={{x}}", "as code"],
  ["perl -ne 'print if /{{x}}/'", "as code"],
  ["awk '/{{x}}/' f", "as code"],
  ["flock lock -c {{x}}", "as code"],
  ["npx -c {{x}}", "as code"],
  ["tar -cf a.tar --checkpoint=1 --checkpoint-action=exec={{x}} .", "as code"],
  ["rsync -e {{x}} a host:b", "as code"],
  ["tmux new-window {{x}}", "as code"],
  ["awk -v n=1 {{x}} f", "as code"],
  ["jq --indent 2 {{x}} f", "as code"],
  ["awk -v n={{x}} {{x}} f", "as code"],
  ["sed 's/a/{{x}}/' f", "as code"],
  ["sed -e 's/a/{{x}}/' f", "as code"],
  ["jq '.[\"{{x}}\"]' f", "as code"],
  ["ssh host ls {{x}}", "as code"],
  ["trap 'echo {{x}}' EXIT", "as code"],
  ["unset {{x}}", "as code"],
  ["export {{x}}=1", "name a variable"],
  ["for {{x}} in a; do :; done", "name a variable"],
  ["echo {{x}} | sh", "piped"],
  ["{ echo {{x}}; } | bash -s", "piped"],
  ["printf %s {{x}} | psql db", "piped"],
  ["echo {{x}} | ssh -q host", "piped"],
  ["echo {{x}} | sh 2>&1", "piped"],
  ["echo {{x}} | sh > log 2>/dev/null", "piped"],
  ["echo {{x}} |\n  sh", "piped"],
  ["echo {{x}} | # now\n\n  sh", "piped"],
  ["echo {{x}} | \\\n  sh", "piped"],
  ["echo {{x}} |& bash", "piped"],
  ["echo {{x}} | (cd a && sh)", "piped"],
  ["echo {{x}} | { cd a; sh; }", "piped"],
  ["echo {{x}} | if a; then (b; sh); fi", "piped"],
  ["echo {{x}} | sh -s a", "piped"],
  ["echo {{x}} | bash -eo pipefail", "piped"],
  ["echo {{x}} | bash /dev/stdin a", "piped"],
  ["echo {{x}} | . /dev/stdin", "piped"],
  ["echo {{x}} | python - a", "piped"],
  ["echo {{x}} | python -W ignore", "piped"],
  ["echo {{x}} | timeout 5 sh", "piped"],
  ["echo {{x}} | sudo -u joe sh", "piped"],
  ["echo {{x}} | xargs -I{} sh -c 'rm {}'", "piped"],
  ["echo {{x}} | xargs -I % bash -c 'rm %'", "piped"],
  ["function f { eval {{x}}; }", "cannot be followed"],
  ["test -v {{x}}", "as code"],
  ["printf -v {{x}} a", "as code"],
  ["sh -s a <<EOF\n{{x}}\nEOF", "as code"],
  ["sh > log <<EOF\n{{x}}\nEOF", "as code"],
  ["{ cd a; sh; } <<EOF\n{{x}}\nEOF", "as code"],
  ["( (sh) ) <<EOF\n{{x}}\nEOF", "as code"],
  ["a=$(sh <<EOF)\n{{x}}\nEOF", "cannot be followed"],
  ["sh <\\\n<EOF\n{{x}}\nEOF", "cannot be followed"],
  ["echo $\\\n(eval {{x}})", "cannot be followed"],
  ["bash -c \\\n  {{x}}", "as code"],
  ["bash -c -- {{x}}", "as code"],
  ["true && \\\n  eval {{x}}", "as code"],
  ["ev\\\nal {{x}}", "as code"],
  ["true && \\\n  {{x}} a", "which program"],
  ["2>/dev/null {{x}} a", "which program"],
  [">log eval {{x}}", "as code"],
  ["bash <<EOF\necho {{x}}\nEOF", "as code"],
  ["python - <<EOF\nprint('{{x}}')\nEOF", "as code"],
  ["cat <<EOF | sh\n{{x}}\nEOF", "piped"],
  ['sh -c "$(cat <<EOF\necho {{x}}\nEOF\n)"', "as code"],
  ["$(cat <<EOF\n{{x}}\nEOF\n) --version", "which program"],
  ['sh -c "$(echo {{x}})"', "as code"],
  ['eval "$(tool {{x}})"', "as code"],
  ["echo $'a{{x}}'", "different things"],
  ["cat <(echo {{x}})", "cannot be followed"],
  ["cat <<< {{x}}", "cannot be followed"],
  ["echo 'a {{x}}", "never closed"],
  ['echo "a {{x}}', "never closed"],
  ["echo $(echo {{x}}", "never closed"],
  ["echo {{x}} )", "cannot be followed"],
])("X2 to X5: %j is refused, because %s", (command, why) => {
  const result = placed(command);
  expect(result.ok ? result.placed.command : result.message).toContain(why);
  expect(result).toMatchObject({ ok: false, hint: expect.stringMatching(/\S/u) as string });
});

test("a command without places is the shell's own affair, however odd", () => {
  expect(placed("echo 'never closed")).toEqual({ ok: true, placed: { command: "echo 'never closed", env: {} } });
});

test("X6: what a place holds is asked once, however often it stands there", () => {
  const asked: string[] = [];
  placeInShell("echo {{x}} {{y}} '{{ x }}' # {{x}}", (name) => {
    asked.push(name);
    return { template: "t", foreign: true };
  });
  expect(asked).toEqual(["x", "y"]);
});

test("X5: whoever starts the run may say which program is run", () => {
  expect(placed("{{tool}} --version", false).ok).toBe(true);
});

test("X5: a word that begins with what a person said is looked at again when what an agent said follows", () => {
  const known = (name: string) => ({ template: name, foreign: name === "said" });
  expect(placeInShell("{{tool}}{{tool}} --version", known).ok).toBe(true);
  for (const command of ["{{tool}}{{said}} --version", '"$(echo {{tool}} {{said}})" --version'])
    expect(placeInShell(command, known)).toMatchObject({
      ok: false,
      message: "{{said}} would say which program is run",
    });
});

test("X6: a command of 100,000 characters is scanned in its length's time", () => {
  const { processorMs } = timed(() => {
    expect(placed(`sh -${"c".repeat(300_000)}! {{x}}`).ok).toBe(true);
    expect(placed(`echo {{x}}; ${"echo \"a$(b)\" 'c' ; ".repeat(5_000)}`).ok).toBe(true);
  });
  expect(processorMs).toBeLessThan(5_000);
});
