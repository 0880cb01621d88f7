/** What a failure of Gemini's API means, and how large the windows of its models are (0.61.0). */

/** `[API Error: {"error":{"code":429,…}}]`, on its screen, in its record and on its stdout alike. */
export function blockOfGeminiError(text: string): "auth" | "quota" | "context" | undefined {
  if (/input token count .{0,40} exceeds the maximum number of tokens/iu.test(text)) return "context";
  const code = Number(/"code":\s*(\d{3})\b/u.exec(text)?.[1]);
  if (code === 401 || code === 403 || /API key not valid|UNAUTHENTICATED/u.test(text)) return "auth";
  return code === 429 || /RESOURCE_EXHAUSTED|exceeded your (?:current|daily) quota/iu.test(text) ? "quota" : undefined;
}

/** The window that the program itself reckons with. It compresses long before, at half of it unless told otherwise. */
const windowTokens = 1_048_576;

export function geminiContext(model: string | undefined, inputTokens: number): number | undefined {
  // Gemma has another window.
  if (model?.startsWith("gemini") !== true || inputTokens === 0) return undefined;
  return Math.max(0, Math.floor(100 - (inputTokens / windowTokens) * 100));
}
