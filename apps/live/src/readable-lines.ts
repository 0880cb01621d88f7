/** The lines that a terminal was sent, without what only a terminal understands. Good for reading, not for deciding. */
export function readableLines(output: string): readonly string[] {
  let row = "";
  const text = output
    // Titles and other strings for the terminal itself.
    .replaceAll(/\u001b[\]P_^X][^\u0007\u001b]*(?:\u0007|\u001b\\)/gu, "")
    // Moving to another line begins one; moving within it leaves a gap.
    .replaceAll(/\u001b\[(\d*)[\d;]*[Hf]/gu, (_, to: string) => {
      const gap = to === row ? " " : "\n";
      row = to;
      return gap;
    })
    .replaceAll(/\u001b\[[\d;]*[ABEFd]/gu, "\n")
    .replaceAll(/\u001b\[\d*[CG]/gu, " ")
    .replaceAll(/\u001b(?:\[[\d;?<=>!]*[ -/]*[@-~]|[ -/]*[0-~])/gu, "")
    .replaceAll("\r", "\n");
  const lines = text.split("\n").map((line) => line.trimEnd());
  return lines.filter((line, index) => line.trim() !== "" && line !== lines[index - 1]);
}
