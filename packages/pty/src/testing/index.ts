export { conformance } from "./conformance.ts";
export type { ConformanceSubject } from "./conformance.ts";
export { fakePtyHost } from "./fake-pty-host.ts";
export type { FakePtyHost } from "./fake-pty-host.ts";
export type { FakeTerminal } from "./fake-terminal.ts";
export { parrotSpec, pipedParrotSpec, teachParrot } from "./parrot.ts";
export { transcribe } from "./transcript.ts";
export type { Transcript } from "./transcript.ts";
