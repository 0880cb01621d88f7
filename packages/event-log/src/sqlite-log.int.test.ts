import { join } from "node:path";
import { eventLogConformance } from "./testing/conformance.ts";
import { openEventLog } from "./open-event-log.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

eventLogConformance("the log in a SQLite file", () => {
  const directory = mkdtempSync(join(tmpdir(), "event-log-"));
  return {
    open: () => openEventLog({ file: join(directory, "events.db") }).log,
    dispose: () => {
      rmSync(directory, { recursive: true, force: true });
    },
  };
});

eventLogConformance("the log in a SQLite file that remembers two streams", () => {
  const directory = mkdtempSync(join(tmpdir(), "event-log-"));
  return {
    open: () => openEventLog({ file: join(directory, "events.db"), revisionsCached: 2 }).log,
    dispose: () => {
      rmSync(directory, { recursive: true, force: true });
    },
  };
});
