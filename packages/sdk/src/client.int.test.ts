import { clientBehaviour } from "./testing/client-behaviour.ts";
import { socketLine } from "./testing/lines.ts";

clientBehaviour("a client over a unix socket", socketLine, { runs: 15 });
