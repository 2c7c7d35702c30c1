import * as pulumi from "@pulumi/pulumi";
import { dockerInventoryEnv, dockerInventoryUnits } from "../render/coverageUnits.js";
import { joinUnits } from "../render/systemdUnit.js";
import type { RemoteHost } from "./RemoteHost.js";

/** What lives in Docker on a host, for the coverage ledger. */
export class DockerInventory extends pulumi.ComponentResource {
  /** @param args.directory folder of the textfile collector */
  constructor(
    name: string,
    { host, directory }: { host: RemoteHost; directory: string },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("restorable:index:DockerInventory", name, {}, opts);
    host.step(
      `${name}-step`,
      {
        script: "docker-inventory",
        undo: { script: "docker-inventory-remove", settings: { METRICS_DIR: directory } },
        target: "docker-inventory",
        files: ["coverage/docker-inventory.sh", "metrics/textfile.sh"],
        settings: {
          ENV_FILE: dockerInventoryEnv({ host: host.hostName, directory }),
          METRICS_DIR: directory,
          UNITS: joinUnits(dockerInventoryUnits()),
        },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
