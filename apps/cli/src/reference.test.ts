import { expect, test } from "vitest";
import { cliReference } from "./reference.ts";

test("docs/cli.md is what the commands say of themselves", async () => {
  await expect(cliReference()).toMatchFileSnapshot("../../../docs/cli.md");
});
