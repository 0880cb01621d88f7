/** The context window of a script, which each turn fills a little more. */
import type { ContextVia } from "./actions.ts";
import type { ContextScript } from "./script.ts";

export interface GaugeReading {
  readonly left: number;
  readonly via: ContextVia;
  /** Nothing is left, and the script says that this is the end. */
  readonly isFull: boolean;
}

export interface ContextGauge {
  /** Absent when the script has no gauge. */
  readonly afterTurn: () => GaugeReading | undefined;
}

export function contextGauge(script: ContextScript | undefined): ContextGauge {
  if (script === undefined) return { afterTurn: () => undefined };
  let left = script.left;
  return {
    afterTurn: () => {
      const isEmpty = left <= 0;
      left = isEmpty && script.onEmpty === "compact" ? script.left : Math.max(0, left - script.perTurn);
      return { left, via: script.via, isFull: left === 0 && script.onEmpty === "exit" };
    },
  };
}
