/**
 * Scanning: how a POSIX shell will read a command, as far as it decides what a place in it may become.
 *
 *   X1  Where a place can be one word or part of one, it is replaced by a quoted reference to a variable: after expansion
 *       nothing of its value is read as syntax, split, or matched against file names.
 *   X2  Where no quoting makes it so, the place is refused, with what to write instead.
 *   X3  What the scanner cannot follow it refuses, too.
 *   X6  Its time grows with the length of the command, whatever stands in it, and it never throws anything else.
 */
import { CommandWords } from "./shell-words.ts";
import { UnsafePlace, type PlaceUnit } from "./unsafe-place.ts";

/** A character of the command, in UTF-16, or a place. */
export type Unit = string | PlaceUnit;

interface Heredoc {
  /** The command that reads it, words that are still to come included. */
  readonly command: CommandWords;
  /** It stands behind a group in which something runs what it reads. */
  readonly isForReader: boolean;
  readonly delimiter: string;
  readonly expands: boolean;
  readonly stripsTabs: boolean;
}

const isPlace = (unit: Unit | undefined): unit is PlaceUnit => typeof unit === "object";
const metacharacters = new Set([";", "&", "|", "\n"]);
/** A command of several commands, all of which read what is piped to it. */
const groupOpeners = new Set(["{", "if", "while", "until", "for", "case"]);
const groupClosers = new Set(["}", "fi", "done", "esac"]);
/** After these a command begins anew. */
const openers = new Set(["if", "then", "else", "elif", "do", "while", "until", "!", "{", "time"]);

/** Commands inside commands: each is read by a call inside a call. */
const depthMax = 100;

/** The command with references in its places. Throws `UnsafePlace`. */
export function scanShell(units: readonly Unit[]): string {
  const scan = new Scan(units);
  scan.list(undefined, () => undefined);
  return scan.out;
}

interface Group {
  readonly isPiped: boolean;
  /** Something in it runs what it reads. */
  readsCode: boolean;
}

type Judge = (place: PlaceUnit) => void;

class Scan {
  out = "";
  #at = 0;
  #depth = 0;
  readonly #units: readonly Unit[];
  /** The same, with places as NUL: a part of it is told without going through it. */
  readonly #text: string;
  readonly #firstPlace: PlaceUnit | undefined;

  constructor(units: readonly Unit[]) {
    this.#units = units;
    this.#text = units.map((unit) => (isPlace(unit) ? "\0" : unit)).join("");
    this.#firstPlace = units.find(isPlace);
  }

  /** Commands up to the end, or up to `)`. What stands around them judges their places, too. */
  list(end: ")" | undefined, outer: Judge): void {
    let command = new CommandWords();
    let isPiped = false;
    /** The word to come is a file, or a number of one: no word of the command. */
    let isTarget = false;
    let word: string | undefined;
    const groups: Group[] = [];
    /** The group that has just been closed. */
    let closed: Group | undefined;
    const nesting: ("(" | "case")[] = [];
    const heredocs: Heredoc[] = [];
    const append = (text: string): void => {
      word = (word ?? "") + text;
    };
    const openGroup = (): void => {
      groups.push({ isPiped: isPiped || groups.at(-1)?.isPiped === true, readsCode: false });
    };
    const closeGroup = (): void => {
      closed = groups.pop();
      const around = groups.at(-1);
      if (around !== undefined && closed?.readsCode === true) around.readsCode = true;
    };
    const endWord = (): void => {
      if (word === undefined) return;
      if (isTarget) {
        [word, isTarget] = [undefined, false];
        return;
      }
      const isFirst = command.isEmpty;
      if (isFirst && word === "function") throw unfollowable("function");
      if (isFirst && groupOpeners.has(word)) openGroup();
      if (isFirst && word === "case") nesting.push("case");
      if (isFirst && word === "esac" && nesting.at(-1) === "case") nesting.pop();
      if (!isFirst || !openers.has(word)) command.push(word);
      if (isFirst && groupClosers.has(word)) closeGroup();
      word = undefined;
    };
    const redirect = (): void => {
      // The number of what is redirected is no word, either.
      if (word !== undefined && /^\d+$/u.test(word)) word = undefined;
      endWord();
    };
    const endCommand = (): void => {
      endWord();
      const place = this.#firstPlace;
      const group = groups.at(-1);
      if ((isPiped || group?.isPiped === true) && place !== undefined && command.readsCode)
        throw new UnsafePlace(
          `\`${command.toString()}\` would read as code what is piped to it, and ${place.source} may be in it`,
          "make two steps of it",
        );
      if (group !== undefined && command.readsCode) group.readsCode = true;
      [command, isTarget, closed] = [new CommandWords(), false, undefined];
    };
    const judgeBehind = (prefix: () => string): Judge => {
      const begun = word ?? "";
      return (place) => {
        if (command.hasJudged(place)) return;
        outer(place);
        if (!isTarget) command.judge(place, begun + prefix());
      };
    };
    for (;;) {
      const unit = this.#units[this.#at];
      if (unit === undefined) {
        if (end !== undefined) throw unfinished("$(");
        return endCommand();
      }
      if (isPlace(unit)) {
        judgeBehind(() => "")(unit);
        this.#replaceBy(`"$${unit.variable}"`);
        append("\0");
        continue;
      }
      if (unit === "\\" && this.#units[this.#at + 1] === "\n") {
        // The line goes on, and so does the word.
        this.#copy();
        this.#copy();
        continue;
      }
      if (unit === "#" && word === undefined) {
        while (this.#units[this.#at] !== undefined && this.#units[this.#at] !== "\n") this.#copyInert();
        continue;
      }
      if (unit === "(") {
        endCommand();
        openGroup();
        nesting.push("(");
        this.#copy();
        // `((` is arithmetic to some shells, and a subshell in a subshell to others.
        if (this.#units[this.#at] === "(") this.#forbidUntilBalanced("((", "(( … )) computes with its text");
        continue;
      }
      if (unit === ")") {
        endCommand();
        if (nesting.at(-1) === "(") {
          nesting.pop();
          closeGroup();
        } else if (nesting.at(-1) !== "case") {
          if (end === undefined) throw unfollowable(")");
          if (heredocs.length > 0) throw unfollowable("here-document");
          return;
        }
        this.#copy();
        continue;
      }
      if (metacharacters.has(unit)) {
        // Behind `|` the line may end, and `|&` is a pipe to some shells.
        const isPipeStill: boolean =
          isPiped && word === undefined && command.isEmpty && (unit === "\n" || unit === "&");
        endCommand();
        const isPipe = unit === "|" && this.#units[this.#at + 1] !== "|" && this.#units[this.#at - 1] !== "|";
        isPiped = isPipe || isPipeStill;
        this.#copy();
        if (unit === "\n") for (const heredoc of heredocs.splice(0)) this.#heredocBody(heredoc, outer);
        continue;
      }
      if (unit === "<" && this.#units[this.#at + 1] === "<") {
        if (this.#units[this.#at + 2] === "<") throw unfollowable("<<<");
        redirect();
        heredocs.push(this.#heredocStart(command, closed?.readsCode === true));
        continue;
      }
      if (unit === "<" || unit === ">") {
        if (this.#units[this.#at + 1] === "(") throw unfollowable(`${unit}(…)`);
        if (unit === "<" && this.#units[this.#at + 1] === "\\") throw unfollowable("<\\");
        redirect();
        this.#copy();
        const next = this.#units[this.#at];
        if (next === "&" || next === ">" || (unit === ">" && next === "|")) this.#copy();
        isTarget = true;
        continue;
      }
      if (unit === " " || unit === "\t") {
        endWord();
        this.#copy();
        continue;
      }
      append(this.#quotedOrPlain(judgeBehind));
    }
  }

  /** One character, or one quoted or expanding part. Returns what it stands for, places as NUL. */
  #quotedOrPlain(judgeBehind: (prefix: () => string) => Judge): string {
    const unit = this.#units[this.#at];
    const from = unit === "'" || unit === '"' || unit === "\\" ? this.#at + 1 : this.#at;
    const judge = judgeBehind(() => this.#text.slice(from, this.#at));
    if (unit === "'") return this.#single(judge);
    if (unit === '"') {
      this.#copy();
      this.#expanding('"', judge);
      return this.#text.slice(from, this.#at - 1);
    }
    this.#expansion(judge, false);
    return this.#text.slice(from, this.#at);
  }

  #single(judge: Judge): string {
    const from = this.#at;
    this.#copy();
    for (;;) {
      const unit = this.#units[this.#at];
      if (unit === undefined) throw unfinished("'");
      if (isPlace(unit)) {
        judge(unit);
        this.#replaceBy(`'"\${${unit.variable}}"'`);
        continue;
      }
      this.#copy();
      if (unit === "'") return this.#text.slice(from + 1, this.#at - 1);
    }
  }

  /** What double quotes and here-documents have in common, up to and with the end. */
  #expanding(end: '"' | number, judge: Judge): void {
    for (;;) {
      if (this.#at === end) return;
      const unit = this.#units[this.#at];
      if (unit === undefined) throw unfinished('"');
      if (isPlace(unit)) {
        judge(unit);
        this.#replaceBy(`\${${unit.variable}}`);
      } else if (unit === end) {
        this.#copy();
        return;
      } else this.#expansion(judge, true);
    }
  }

  /** A backslash with what it protects, `$…`, a backtick, or a plain character. */
  #expansion(judge: Judge, isQuoted: boolean): void {
    const unit = this.#units[this.#at];
    const next = this.#units[this.#at + 1];
    if (unit === "\\") {
      if (isPlace(next))
        throw new UnsafePlace(`a backslash stands before ${next.source}`, "take it away, or write two");
      this.#copy();
      if (next !== undefined) this.#copy();
      return;
    }
    if (unit === "`") return this.#forbidUntil("`", "a command in backticks", "write $(…) instead of backticks");
    if (unit !== "$") return this.#copy();
    if (next === "\\" && this.#units[this.#at + 2] === "\n") throw unfollowable("$ at the end of a line");
    if (isPlace(next)) throw new UnsafePlace(`a $ stands before ${next.source}`, "write the place without the $");
    if (next === "{") {
      this.#copy();
      return this.#forbidUntil("}", "${…}", "give the value to a variable first: name={{…}}");
    }
    if (!isQuoted && (next === "'" || next === '"'))
      throw new UnsafePlace(`$${next}…${next} means different things to different shells`, "take the $ away");
    if (next !== "(") return this.#copy();
    this.#copy();
    if (this.#units[this.#at + 1] === "(") {
      return this.#forbidUntilBalanced("$((", "$((…)) computes with its text");
    }
    this.#copy();
    this.#depth += 1;
    if (this.#depth > depthMax) throw unfollowable("$( inside so many others");
    this.list(")", judge);
    this.#depth -= 1;
    this.#copy();
  }

  /** Copies to the end that belongs to what was opened, and refuses every place in between. */
  #forbidUntil(end: "`" | "}", where: string, hint: string): void {
    let depth = 0;
    for (;;) {
      const first = depth === 0;
      if (first) depth = 1;
      const unit = this.#units[this.#at];
      if (unit === undefined) throw unfinished(where);
      if (isPlace(unit)) throw new UnsafePlace(`${unit.source} stands inside ${where}`, hint);
      this.#copy();
      if (first) continue;
      if (unit === "\\") this.#copyAny(where, hint);
      else if (end === "}" && unit === "'") this.#skipTo("'", where, hint);
      else if (end === "}" && unit === "$" && this.#units[this.#at] === "{") depth += 1;
      else if (unit === end) {
        depth -= 1;
        if (depth === 0) return;
      }
    }
  }

  #forbidUntilBalanced(where: string, why: string): void {
    const hint = "let a program compute, for example with `expr` or `awk -v`";
    // Of `((` the first was read and counted by whoever called, of `$((` nothing but the `$`.
    let depth = where === "((" ? 1 : 0;
    const until = where === "((" ? 1 : 0;
    for (;;) {
      const unit = this.#units[this.#at];
      if (unit === undefined) throw unfinished(where);
      if (isPlace(unit)) throw new UnsafePlace(`${unit.source} stands inside ${where}: ${why}`, hint);
      this.#copy();
      if (unit === "(") depth += 1;
      if (unit === ")") depth -= 1;
      if (depth === until && unit === ")") return;
    }
  }

  #skipTo(end: string, where: string, hint: string): void {
    for (;;) {
      const unit = this.#units[this.#at];
      if (unit === undefined) throw unfinished(where);
      this.#copyAny(where, hint);
      if (unit === end) return;
    }
  }

  #heredocStart(command: CommandWords, isForReader: boolean): Heredoc {
    this.#copy();
    this.#copy();
    const stripsTabs = this.#units[this.#at] === "-";
    if (stripsTabs) this.#copy();
    while (this.#units[this.#at] === " " || this.#units[this.#at] === "\t") this.#copy();
    let delimiter = "";
    let expands = true;
    let quote: string | undefined;
    for (;;) {
      const unit = this.#units[this.#at];
      if (isPlace(unit)) throw new UnsafePlace(`${unit.source} is the mark of a here-document`, "write a plain word");
      if (unit === undefined || (quote === undefined && /[\s;&|<>()]/u.test(unit))) break;
      this.#copy();
      if (quote === undefined && (unit === "'" || unit === '"')) [quote, expands] = [unit, false];
      else if (unit === quote) quote = undefined;
      else if (unit === "\\" && quote !== "'") {
        expands = false;
        const next = this.#units[this.#at];
        if (typeof next === "string") delimiter += next;
        this.#copyAny("the mark of a here-document", "write a plain word");
      } else delimiter += unit;
    }
    return { command, isForReader, delimiter, expands, stripsTabs };
  }

  #heredocBody({ command, isForReader, delimiter, expands, stripsTabs }: Heredoc, outer: Judge): void {
    const from = this.#at;
    let lineStart = from;
    let end = this.#text.length;
    let after = end;
    while (lineStart < this.#text.length) {
      const found = this.#text.indexOf("\n", lineStart);
      const lineEnd = found === -1 ? this.#text.length : found;
      const line = this.#text.slice(lineStart, lineEnd);
      if ((stripsTabs ? line.replace(/^\t+/u, "") : line) === delimiter) {
        [end, after] = [lineStart, lineEnd];
        break;
      }
      lineStart = lineEnd + 1;
    }
    if (expands) {
      this.#expanding(end, (place) => {
        outer(place);
        if (isForReader || command.readsCode)
          throw new UnsafePlace(
            `${isForReader ? "a shell or an interpreter" : `\`${command.toString()}\``} would read ${place.source} as code`,
            "give it the value through `env:` of the step, and read that variable in the code",
          );
      });
      if (this.#at !== end) throw unfollowable("here-document");
    } else {
      const place = this.#units.slice(from, end).find(isPlace);
      if (place !== undefined)
        throw new UnsafePlace(
          `${place.source} stands in a here-document whose mark is quoted, in which nothing is expanded`,
          `write <<${delimiter || "EOF"} without quotes and a backslash before each $ that is to stay`,
        );
    }
    while (this.#at < after) this.#copy();
  }

  #copy(): void {
    const unit = this.#units[this.#at];
    if (typeof unit === "string") this.out += unit;
    this.#at += 1;
  }

  #copyAny(where: string, hint: string): void {
    const unit = this.#units[this.#at];
    if (isPlace(unit)) throw new UnsafePlace(`${unit.source} stands inside ${where}`, hint);
    if (unit !== undefined) this.#copy();
  }

  /** In a comment a place is nothing but its own name. */
  #copyInert(): void {
    const unit = this.#units[this.#at];
    this.out += isPlace(unit) ? unit.source : (unit ?? "");
    this.#at += 1;
  }

  #replaceBy(reference: string): void {
    this.out += reference;
    this.#at += 1;
  }
}

const unfinished = (what: string): UnsafePlace =>
  new UnsafePlace(`what ${what} opens is never closed`, "close it, or put the text into a file");

const unfollowable = (what: string): UnsafePlace =>
  new UnsafePlace(`the ${what} cannot be followed`, "put the command into a file and give it the values as arguments");
