import { type DrillEnv, renderDrillEnv } from "./drillEnv.js";
import type { FailoverTestNode } from "./failoverTestEnv.js";
import { renderShellEnv } from "./shellEnv.js";

/** What the restores beside the formation need to know, besides what the drill does. */
export interface RestoreEnv {
  /** Host that they run on. */
  readonly host: string;
  /** Data nodes: one of them is the primary. */
  readonly nodes: readonly FailoverTestNode[];
  /** As rclone names it; empty without exports. */
  readonly exportsRoot: string;
}

/** `/etc/restorable/restore.env`: the drill's settings and these; no secret among them. */
export function renderRestoreEnv(drill: DrillEnv, env: RestoreEnv): string {
  const places = env.nodes.map(({ name, host, project, address }) => `${name} ${host} ${project} ${address}`);
  return `${renderDrillEnv(drill)}${renderShellEnv({
    HOST: env.host,
    NODES: places.join("\n"),
    EXPORTS_ROOT: env.exportsRoot,
  })}`;
}
