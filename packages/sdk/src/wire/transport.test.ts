import { transportBehaviour } from "../testing/transport-behaviour.ts";
import { linkedTransports } from "./transport.ts";

transportBehaviour("linked transports", () =>
  Promise.resolve({ ...linkedTransports(), close: () => Promise.resolve() }),
);
