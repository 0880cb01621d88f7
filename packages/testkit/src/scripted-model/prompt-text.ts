/**
 * What of a text is a prompt: programs put much of their own under the user's name, and hand the user's words on in theirs.
 *
 *   P1  Elements whose names programs make up (`<system-reminder>`, `<task-notification>`) are taken out; the relay's
 *       envelopes, and what wraps a prompt, stay.
 *   P2  What a program says the user sent in the middle of a turn is a prompt, in a reminder too.
 *   P3  A text of which nothing is left is no prompt.
 */

/** Elements that hold a prompt, or stand where one would. */
const transparent = new Set(["relay-message", "pasted_content", "cross-session-message"]);

/** Names of one word that programs use for what they add; other elements of one word may be the user's own. */
const added = new Set(["permissions", "instructions", "reminder", "info", "context", "environment", "summary"]);

const element = /^[^\S\n]*<([a-z][\w-]*)(?:\s[^>\n]*)?>[\s\S]*?<\/\1>[^\S\n]*\n?/gimu;

/** Claude Code's words, and OpenCode's. */
const handedOn =
  /The user sent (?:a new message while you were working|the following message):\n([\s\S]*?)(?=\n+(?:This is how Claude Code surfaces|IMPORTANT: After completing|Please address this message|The user sent (?:a new|the following) message|<\/system-reminder>)|$)/gu;

/** Whole texts that programs write under the user's name. */
const ownTexts = [
  /^# AGENTS\.md instructions\b/u,
  /^This is the Gemini CLI\. We are setting up the context/u,
  /^Tool loaded\.$/u,
  /^(?:Another language model started to solve this problem|This session is being continued from a previous conversation)/u,
];

const interruption = /^\s*(?:\[Request interrupted by user(?: for tool use)?\]\s*$|<turn_aborted>)/u;

/** The prompts in a text under the user's name; none if all of it is the program's. */
export function promptsIn(text: string): readonly string[] {
  const plain = text.replaceAll("\r\n", "\n");
  const inner = promptsHandedOn(plain);
  if (inner.length > 0) return inner;
  const rest = plain.replace(element, (whole, name: string) => (isAdded(name) ? "" : whole)).trim();
  return rest === "" || isInterruption(rest) || ownTexts.some((own) => own.test(rest)) ? [] : [rest];
}

/** The prompts that a program says the user has sent meanwhile. */
export function promptsHandedOn(text: string): readonly string[] {
  return [...text.matchAll(handedOn)].map(([, words = ""]) => words.trim()).filter((words) => words !== "");
}

/** Whether a program notes here that the user has ended a turn. */
export function isInterruption(text: string): boolean {
  return interruption.test(text);
}

function isAdded(name: string): boolean {
  const lower = name.toLowerCase();
  return !transparent.has(lower) && (/[-_]/u.test(lower) || added.has(lower));
}
