/** How both APIs of OpenAI report a failure. */
import type { Refusal } from "./wire.ts";

const errorTypes: Readonly<Record<number, readonly [type: string, code: string | null]>> = {
  400: ["invalid_request_error", null],
  401: ["invalid_request_error", "invalid_api_key"],
  403: ["invalid_request_error", "unsupported_country_region_territory"],
  404: ["invalid_request_error", "model_not_found"],
  429: ["requests", "rate_limit_exceeded"],
  503: ["server_error", "server_is_overloaded"],
};

export function openAiError({ status, message, isOverflow }: Refusal): unknown {
  const [type, code] = errorTypes[status] ?? ["server_error", "server_error"];
  return {
    error: {
      message,
      type: isOverflow ? "invalid_request_error" : type,
      param: isOverflow ? "input" : null,
      code: isOverflow ? "context_length_exceeded" : code,
    },
  };
}
