/** Inlet: a way into a program in a terminal that is not its keyboard. There is one kind for each such route. */
import type { WriteState } from "@agent-relay/kernel";
import type { Route } from "@agent-relay/protocol";
import type { Intake } from "./intake.ts";

export interface Inlet {
  readonly route: Exclude<Route, "paste">;
  /** The program runs, or was found again. Whether mail goes in here is observed as soon as it is known. */
  readonly begin: () => void;
  /** Puts a prompt in, once for each injection, however often it is asked to. What becomes of it is reported. Never rejects. */
  readonly put: (injection: string, text: string) => Promise<void>;
  readonly writeState: (injection: string) => Promise<WriteState>;
  /** Asks the program to end its turn; answers whether that could be asked here. What comes of it is seen. */
  readonly interrupt: () => boolean;
  readonly takesMail: Intake["takesMail"];
  readonly close: () => void;
}
