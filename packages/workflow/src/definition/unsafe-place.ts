export interface PlaceUnit {
  /** The variable that holds its value, such as `AR_1`. */
  readonly variable: string;
  /** As it was written, for messages. */
  readonly source: string;
  /** Its value comes from an agent or a program, and not from the person who starts the run. */
  readonly foreign: boolean;
}

/** A place whose value no quoting keeps from being read as code. */
export class UnsafePlace extends Error {
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}
