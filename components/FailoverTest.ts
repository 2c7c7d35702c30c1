import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { type FailoverTestEnv, failoverTestPassfile, renderFailoverTestEnv } from "../render/failoverTestEnv.js";
import type { IncusHost } from "./IncusHost.js";

export interface FailoverTestArgs {
  host: IncusHost;
  env: FailoverTestEnv;
  /** Of the application's role: the test's clients log in as it. */
  appPassword: pulumi.Input<string>;
}

/** The failover acceptance test on an Incus host, to be run by hand: nothing runs by itself. */
export class FailoverTest extends pulumi.ComponentResource {
  readonly installed: remote.Command;

  constructor(name: string, args: FailoverTestArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:FailoverTest", name, {}, opts);
    this.installed = args.host.step(
      `${name}-test`,
      {
        script: "failover-test",
        undo: { script: "failover-test-remove", settings: {} },
        target: "failover-test",
        files: ["test_pg_failover.sh", "failover"],
        settings: {
          ENV_FILE: renderFailoverTestEnv(args.env),
          PASSFILE: failoverTestPassfile,
          ROLE: args.env.role,
        },
        secrets: { APP_PASSWORD: args.appPassword },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
