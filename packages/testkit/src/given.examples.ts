import { accept, reject } from "@agent-relay/kernel";
import type { Decider } from "@agent-relay/kernel";
import { specFor } from "@agent-relay/testkit";

type Door = { open: boolean };
const door: Decider<"open", { readonly type: "opened" }, Door, { readonly code: "already_open" }> = {
  initial: () => ({ open: false }),
  decide: (_, state) => (state.open ? reject({ code: "already_open" }) : accept({ type: "opened" })),
  evolve: () => ({ open: true }),
};

const { given } = specFor(door);
given().when("open").thenEvents({ type: "opened" });
given({ type: "opened" }).when("open").thenRejected({ code: "already_open" });
