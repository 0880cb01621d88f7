/** Equality of plain data, as tests mean it: an absent field and an undefined one are the same. */

/** Every field alike. An asymmetric matcher in `expected` decides for itself. */
export function matches(actual: unknown, expected: unknown): boolean {
  if (isMatcher(expected)) return expected.asymmetricMatch(actual);
  if (Object.is(actual, expected)) return true;
  if (Array.isArray(actual) || Array.isArray(expected))
    return (
      Array.isArray(actual) &&
      Array.isArray(expected) &&
      actual.length === expected.length &&
      actual.every((item, index) => matches(item, expected[index]))
    );
  if (!isPlain(actual) || !isPlain(expected)) return false;
  const keys = new Set([...Object.keys(actual), ...Object.keys(expected)]);
  return [...keys].every((key) => matches(actual[key], expected[key]));
}

/** The fields that `expected` names, alike; anything but a plain object is compared whole. */
export function matchesPartly(actual: unknown, expected: unknown): boolean {
  if (!isPlain(actual) || !isPlain(expected) || isMatcher(expected)) return matches(actual, expected);
  return Object.keys(expected).every((key) => matches(actual[key], expected[key]));
}

interface Matcher {
  readonly asymmetricMatch: (actual: unknown) => boolean;
}

/** The shape that jest gave such matchers and that vitest kept. */
function isMatcher(value: unknown): value is Matcher {
  return (
    typeof value === "object" &&
    value !== null &&
    "asymmetricMatch" in value &&
    typeof value.asymmetricMatch === "function"
  );
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
