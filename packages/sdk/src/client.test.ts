import { clientBehaviour } from "./testing/client-behaviour.ts";
import { linkedLine } from "./testing/lines.ts";

clientBehaviour("a client over linked transports", linkedLine, { runs: 200 });
