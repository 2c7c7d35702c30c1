import * as pulumi from "@pulumi/pulumi";
import { type AlertRulesArgs, renderAlertRules } from "../render/alertRules.js";
import type { IncusHost } from "./IncusHost.js";

export interface AlertRulesComponentArgs {
  host: IncusHost;
  /** Where the rule file stands on the host. */
  path: string;
  rules: AlertRulesArgs;
}

/** The alert rules as a file on a host, for the Prometheus that reads it. */
export class AlertRules extends pulumi.ComponentResource {
  constructor(name: string, args: AlertRulesComponentArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:AlertRules", name, {}, opts);
    args.host.step(
      `${name}-rules`,
      {
        script: "alert-rules",
        undo: { script: "alert-rules-remove", settings: { RULES_PATH: args.path } },
        target: "alerts",
        settings: { RULES_PATH: args.path, RULES: renderAlertRules(args.rules) },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
