import { primary } from "./drill.js";
import { inContainer } from "./incus.js";
import type { World } from "./world.js";

const metrics = "/var/lib/node_exporter/textfile_collector/immutability_probe_main_repo2.prom";

/**
 * The first verdict on whether the off-site backups can be destroyed, by the timer's own service; later runs find it.
 *
 * @throws Error when they can be
 */
export async function firstProbe(world: World): Promise<string> {
  const node = await primary(world);
  const verdict = async () =>
    /^restorable_immutability_probe_success\S* (\d)$/m.exec(
      await inContainer(world, node, `cat ${metrics} || true`),
    )?.[1];
  if ((await verdict()) === "1") return "there";
  const said = await inContainer(
    world,
    node,
    "systemctl start restorable-immutability.service || true; journalctl -u restorable-immutability.service -n 60 --no-pager -o cat",
  );
  const last =
    said
      .split("\n")
      .filter((line) => line.startsWith("immutability of repo2"))
      .at(-1) ?? said;
  if ((await verdict()) === "0") throw new Error(said);
  return last.replace(/^immutability of repo2, stanza \S+: /, "").toLowerCase();
}
