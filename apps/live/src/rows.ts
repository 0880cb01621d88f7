/**
 * Rows: what is promised of an agent program, one promise to a row, in the order of the page.
 *
 *   W1  Each row is told by a story of the same id, or a program says in `cannot` why it has none.
 */
export const rows = {
  ready: "Ready is told, and only when input would reach it",
  busy: "A turn that runs is told",
  idle: "The end of a turn is told, and then that it is idle",
  seen: "A message is proven to be in front of the model",
  wait: "A message that comes while it works waits for the end of the turn",
  steer: "An urgent message reaches it although it works",
  tools: "It calls the relay's tools, in its own name",
  together: "Two different programs talk to each other",
  trust: "Its question of trust is told, and `approve` answers it",
  approve: "It asks for a permission: `blocked`, and `approve` lets it go on",
  deny: "`deny` refuses, and nothing is done",
  consent: "No message is taken for consent, and none is typed into a dialog",
  question: "A question of its own is told",
  error: "A turn that the model fails ends, and it can be used again",
  draft: "What a person has begun to type is left alone",
  shapes: "Long texts, `/`, `!`, emoji and CJK arrive as they were sent",
  controls: "Control characters of a message never reach its terminal",
  context: "A full context window is told at 20, 10 and 5 percent",
  compaction: "A compaction is told, and the thresholds count again",
  tokens: "Tokens are counted",
  leaves: "It leaves by itself: clean, and not started again",
  killed: "It is killed: told at once, and its conversation goes on in the next",
  broker: "The broker is killed: the program goes on, and the next message comes once",
  release: "It is released: no process of it is left, its tools and children included",
  neighbours: "Two agents in one directory keep apart",
  secrets: "No secret stands in a command line, a log or a file that others can read",
  untouched: "The user's and the project's configuration are as they were",
  headless: "It runs without a terminal: turns, receipts, tools",
  headlessAnswers: "Without a terminal it asks, too, and is answered",
} as const;

export type RowId = keyof typeof rows;
