import { callBehaviour } from "./testing/call-behaviour.ts";
import { socketLine } from "./testing/lines.ts";
import { streamBehaviour } from "./testing/stream-behaviour.ts";

callBehaviour("calls over a unix socket", socketLine);
streamBehaviour("streams over a unix socket", socketLine, { runs: 15 });
