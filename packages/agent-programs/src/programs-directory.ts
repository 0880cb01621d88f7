/** Where installed programs are kept when nobody says otherwise. */
import path from "node:path";

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly home: string;
}

/** `$AGENT_RELAY_PROGRAMS`, or a folder of ours where the system keeps what can be fetched again. */
export function programsDirectory({ env, platform, home }: Surroundings): string {
  const chosen = env["AGENT_RELAY_PROGRAMS"];
  if (chosen !== undefined && chosen !== "") return path.resolve(chosen);
  return path.join(cachesOf({ env, platform, home }), "agent-relay", "programs");
}

function cachesOf({ env, platform, home }: Surroundings): string {
  if (platform === "darwin") return path.join(home, "Library", "Caches");
  const xdg = env["XDG_CACHE_HOME"];
  // The XDG specification says that a relative path is to be ignored.
  return xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(home, ".cache");
}
