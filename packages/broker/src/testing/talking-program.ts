/**
 * A program that is spoken with in JSON lines, for tests of the headless runtime.
 *
 * `hello` is answered with its session. A prompt is taken at once and begins a turn, which ends at once too, unless its
 * text says otherwise: `long` leaves the turn open, `finish` ends it, `ask` asks a question first. A prompt for the
 * running turn (`steer`) is refused when there is none.
 */
export interface TalkingProgram {
  readonly read: (text: string) => void;
  /** Its input was closed. */
  readonly end: () => void;
}

/** Stands alone, without imports, so that its text runs as a process too. */
export function talkingProgram(
  print: (line: string) => void,
  leave: () => void,
  onPrompt: (text: string) => void = () => undefined,
): TalkingProgram {
  let buffer = "";
  let working = false;
  let asking = "";
  let questions = 0;
  let ended = false;

  const say = (line: object): void => {
    print(`${JSON.stringify(line)}\n`);
  };
  const finish = (): void => {
    working = false;
    say({ said: "idle", input: 100, cached: 60, output: 10 });
    if (ended) leave();
  };
  const prompt = (id: string, text: string, steer: boolean): void => {
    if (steer && !working) {
      say({ said: "refused", id, why: "no turn runs" });
      return;
    }
    onPrompt(text);
    say({ said: "taken", id, text, steer });
    if (!working) {
      working = true;
      say({ said: "working" });
    }
    if (text.includes("ask")) {
      questions += 1;
      asking = `q${questions}`;
      say({ said: "asks", id: asking, what: "Bash(ls)" });
    } else if (!text.includes("long") && (!steer || text.includes("finish"))) finish();
  };
  const take = (line: Record<string, unknown>): void => {
    if (line["do"] === "hello") say({ said: "hello", session: "talk-session" });
    else if (line["do"] === "prompt") prompt(String(line["id"]), String(line["text"]), line["steer"] === true);
    else if (line["do"] === "interrupt" && working) finish();
    else if (line["do"] === "answer" && line["id"] === asking && asking !== "") {
      asking = "";
      say({ said: "goes on", verdict: line["verdict"] });
      finish();
    }
  };

  return {
    read: (text) => {
      buffer += text;
      for (let end = buffer.indexOf("\n"); end >= 0; end = buffer.indexOf("\n")) {
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 1);
        take(JSON.parse(line) as Record<string, unknown>);
      }
    },
    end: () => {
      ended = true;
      if (!working) leave();
    },
  };
}

/** The same as the arguments of node. It complains once on its standard error. */
export const talkingProgramArgv: readonly string[] = [
  "-e",
  `const program = (${talkingProgram.toString()})(
     (line) => process.stdout.write(line),
     () => process.exit(0),
   );
   process.stderr.write("talking program: ready to talk\\n");
   process.stdin.setEncoding("utf8").on("data", program.read).on("end", program.end);`,
];
