import { z } from "zod";
import { AgentName, ChannelName } from "./names.ts";

/** How much an agent may do without asking: its own prompts, its own automatic mode, or no prompts at all. */
export const PermissionMode = z.enum(["ask", "auto", "bypass"]);

export const Runtime = z.enum(["pty", "headless"]);

export const RestartPolicy = z.object({
  /** `on-crash` restarts after a crash only: a clean exit, a release and a kill are not crashes. */
  when: z.enum(["never", "on-crash", "always"]).default("on-crash"),
  /** Consecutive failures after which the agent is permanently dead. */
  maxConsecutiveFailures: z.number().int().min(1).max(100).default(3),
  /** First delay; it doubles with each failure, with jitter, up to `delayMsMax`. */
  delayMs: z.number().int().min(0).max(3_600_000).default(1_000),
  delayMsMax: z.number().int().min(0).max(3_600_000).default(60_000),
  /** An incarnation that lived this long resets the count of failures. */
  healthyAfterMs: z.number().int().min(0).max(86_400_000).default(30_000),
});

/** What to run, and how. Stored with the agent, so that a restart runs the same. */
export const LaunchSpec = z.object({
  /**
   * The command line, for example `claude`, `codex --profile work` or `node agent.mjs`. Words are split as a shell
   * would, but no shell runs and nothing is expanded.
   */
  cli: z.string().min(1).max(8_192),
  /** Arguments after those in `cli`, taken as they are. */
  args: z.array(z.string().max(65_536)).max(256).default([]),
  /** Overrides inference: an id out of the harness table. */
  harness: z.string().min(1).max(64).optional(),
  runtime: Runtime.default("pty"),
  /** Absolute. The broker's project directory if absent. */
  cwd: z.string().max(4_096).optional(),
  /** Added to the environment of the program. Values never leave the broker again. */
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string().max(131_072)).default({}),
  model: z.string().min(1).max(128).optional(),
  /** Absent: it asks, or does what it always does if it cannot ask. */
  permissionMode: PermissionMode.optional(),
  /**
   * Answers the program's question whether the files of its directory may be trusted, which lets it run what the
   * project's own settings say. Without it the agent is `blocked` at that question, if it asks.
   */
  trust: z.boolean().default(false),
  /** Delivered as the first message, from whoever spawns. */
  task: z.string().min(1).optional(),
  channels: z.array(ChannelName).max(64).default([]),
  team: z.string().min(1).max(64).optional(),
  /**
   * The agents that it may write to, by their names or by the names of their teams; anybody if absent. Channels, people
   * and scripts, and whoever it spawned or was spawned by, it may always write to. What it spawns is bound by this, too.
   */
  mayTell: z.array(z.string().min(1).max(64)).max(1_000).optional(),
  cols: z.number().int().min(20).max(500).default(120),
  rows: z.number().int().min(5).max(200).default(40),
  /** Silence after a finished turn until `agent_idle`; 0 turns the event off. */
  idleThresholdSecs: z.number().min(0).max(86_400).default(30),
  restart: RestartPolicy.prefault({}),
});

export const SpawnParams = z.object({
  name: AgentName,
  launch: LaunchSpec,
});

export type PermissionMode = z.infer<typeof PermissionMode>;
export type Runtime = z.infer<typeof Runtime>;
export type RestartPolicy = z.infer<typeof RestartPolicy>;
export type LaunchSpec = z.infer<typeof LaunchSpec>;
/** A launch as a client writes it: what has a default may be left out. */
export type LaunchInput = z.input<typeof LaunchSpec>;
