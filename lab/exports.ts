import { primary } from "./drill.js";
import { inContainer } from "./incus.js";
import type { World } from "./world.js";

const lastOf = (world: World, container: string, files: string, name: string) =>
  inContainer(
    world,
    container,
    `cat /var/lib/node_exporter/textfile_collector/${files} 2>/dev/null | grep -E '^${name}[{]' || true`,
  );

/** The first logical exports and their drill, by the timers' own services; later runs find them. */
export async function firstExports(world: World): Promise<string> {
  const node = await primary(world);
  const start = (container: string, unit: string) =>
    inContainer(
      world,
      container,
      `systemctl start ${unit} || { journalctl -u ${unit} -n 20 --no-pager -o cat >&2; exit 1; }`,
    );
  const done: string[] = [];
  const exported = await lastOf(
    world,
    node,
    "restorable_exports.prom",
    "restorable_export_last_success_timestamp_seconds",
  );
  if (exported === "" || / 0$/m.test(exported)) {
    await start(node, "restorable-export.service");
    done.push("made");
  }
  const drilled = await lastOf(world, world.host.name, "*_export_drill_*.prom", "\\w+_export_drill_last_success");
  if (drilled === "" || / 0$/m.test(drilled)) {
    await start(world.host.name, "restorable-export-drill.service");
    done.push("drill passed");
  }
  return done.length > 0 ? done.join(", ") : "there";
}
