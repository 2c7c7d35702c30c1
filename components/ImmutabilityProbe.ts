import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { type ImmutabilityArgs, immutabilityEnv, immutabilityUnits } from "../render/immutabilityUnits.js";
import { joinUnits } from "../render/systemdUnit.js";
import type { IncusContainer } from "./IncusContainer.js";

export interface ImmutabilityProbeArgs extends ImmutabilityArgs {
  container: IncusContainer;
  /** Upper bound of the random delay of each timed run, seconds. */
  randomizedDelaySeconds: number;
}

/** The weekly probe on one data node: with its own key it tries to destroy what is in the off-site repository. */
export class ImmutabilityProbe extends pulumi.ComponentResource {
  readonly installed: remote.Command;

  constructor(name: string, args: ImmutabilityProbeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:ImmutabilityProbe", name, {}, opts);
    const { container, randomizedDelaySeconds } = args;
    this.installed = container.step(
      `${name}-step`,
      {
        script: "immutability-probe",
        files: ["immutability-probe.sh", "immutability", "metrics/textfile.sh", "node/role.sh"],
        settings: {
          ENV_FILE: immutabilityEnv(args),
          UNITS: joinUnits(immutabilityUnits(randomizedDelaySeconds)),
        },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
