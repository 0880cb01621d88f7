/** Figures: percentiles and how they are printed. */

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

/** Of a list of milliseconds. */
export function percentiles(values: readonly number[]): Percentiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

export function ms(value: number): string {
  return `${value < 10 ? value.toFixed(3) : value.toFixed(1)} ms`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MB`;
}

/** Milliseconds of the monotonic clock that all processes of this machine share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export interface Row {
  readonly what: string;
  readonly measured: string;
  /** What it is held against, from the same run. */
  readonly against: string;
  readonly reached: string;
}

export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => `| ${row.what} | ${row.measured} | ${row.against} | ${row.reached} |`);
  return ["| What | Measured | Beside it | Goal |", "| --- | --- | --- | --- |", ...cells].join("\n");
}
