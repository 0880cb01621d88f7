import { conformance } from "../src/testing/index.ts";
import { hostPlace } from "./host-place.ts";

conformance("a host's process", async () => {
  const place = await hostPlace();
  return { host: await place.start(), reconnect: () => place.start(), dispose: place.dispose };
});
