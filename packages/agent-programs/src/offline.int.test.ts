import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { offlineProfile, writeProfile } from "./offline.ts";

test("the files of a profile are written below a home that need not exist, and only their owner can read them", async () => {
  const root = mkdtempSync(path.join(tmpdir(), "offline-profile-"));
  try {
    const profile = offlineProfile("codex", { modelUrl: "http://127.0.0.1:4100", home: path.join(root, "ada") });
    await writeProfile(profile);
    const file = path.join(root, "ada", ".codex", "config.toml");
    expect(readFileSync(file, "utf8")).toBe(profile.files[0]?.content);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
