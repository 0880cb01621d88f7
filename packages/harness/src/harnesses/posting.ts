/**
 * The part of a plugin that runs inside a program and posts what happens there, in the protocol's own form.
 *
 *   J1  Posts arrive in order. One that nobody answers is made again until somebody does, so that the end of a turn is
 *       not lost while the relay restarts; one that is refused is not made again.
 *   J2  Without a relay in the environment it does nothing, and nothing that it does throws.
 *   J3  What waits is bounded.
 */

/**
 * JavaScript that defines `post(signal, take)`; `send(signal, patience)`, which posts once and out of order; and small
 * functions for values of any kind.
 */
export function postingScript(source: string): string {
  return `const url = process.env.AGENT_RELAY_HOOK_URL;
const token = process.env.AGENT_RELAY_TOKEN;
const isObject = (value) => typeof value === "object" && value !== null;
const count = (value) => (Number.isSafeInteger(value) && value > 0 ? value : 0);
const cut = (text, max) => String(text).replace(/\\s+/gu, " ").trim().slice(0, max);

const queue = [];
let isPosting = false;

function post(signal, take) {
  if (!url || !token) return;
  queue.push({ signal, take });
  if (queue.length > 1000) queue.splice(1, 1);
  if (!isPosting) void drain();
}

async function drain() {
  isPosting = true;
  while (queue.length > 0) {
    const { signal, take } = queue[0];
    const answer = await send(signal);
    if (answer === undefined) {
      await new Promise((done) => setTimeout(done, 500));
      continue;
    }
    queue.shift();
    if (take !== undefined && answer.context) await take(answer.context);
  }
  isPosting = false;
}

async function send(signal, patience = 5000) {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer " + token },
      body: JSON.stringify({ signal, source: ${JSON.stringify(source)} }),
      signal: AbortSignal.timeout(patience),
    });
    if (response.status >= 500) return undefined;
    const answer = response.status === 200 ? await response.json() : undefined;
    return isObject(answer) ? answer : {};
  } catch {
    return undefined;
  }
}

const quietly = (work) => async (...given) => {
  try {
    await work(...given);
  } catch {
    // What a later version says in other words must not disturb it.
  }
};
`;
}
