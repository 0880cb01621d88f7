/** Redaction: secrets do not survive into events, logs of ours or answers. */

/** The shapes of well-known credentials, for secrets that nobody told us about. */
const knownShapes =
  /\b(?:sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|AKIA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{30,}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}|art_[A-Za-z0-9_.-]{20,})/gu;

/** Shorter values are words such as `1` or `true`; replacing those would shred the text. */
const SECRET_LENGTH_MIN = 8;

export function redactor(secrets: Iterable<string>): (text: string) => string {
  const values = [...new Set(secrets)]
    .filter((it) => it.length >= SECRET_LENGTH_MIN)
    .sort((a, b) => b.length - a.length);
  return (text) => {
    let clean = text;
    for (const value of values) clean = clean.replaceAll(value, "[redacted]");
    return clean.replace(knownShapes, "[redacted]");
  };
}
