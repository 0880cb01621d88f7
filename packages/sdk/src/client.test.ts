import { callBehaviour } from "./testing/call-behaviour.ts";
import { linkedLine } from "./testing/lines.ts";
import { streamBehaviour } from "./testing/stream-behaviour.ts";

callBehaviour("calls over linked transports", linkedLine);
streamBehaviour("streams over linked transports", linkedLine, { runs: 200 });
