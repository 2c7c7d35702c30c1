import * as pulumi from "@pulumi/pulumi";
import type { Outputs } from "../../outputs.js";

const config = new pulumi.Config();
const caPath = config.require("caFile");
const formation = new pulumi.StackReference(config.require("formationStack"));

/** An output that has to be there: a stack without it fails here, by name, and not in the application. */
const output = <Name extends keyof Outputs>(name: Name): pulumi.Output<Outputs[Name]> =>
  formation.requireOutput(name) as pulumi.Output<Outputs[Name]>;

/** For the application's environment; secret, as the output is that it comes from. */
export const databaseUrl = pulumi.interpolate`${output("formationUri")}&sslrootcert=${encodeURIComponent(caPath)}`;

/** File that has to stand where the application runs. */
export const caFile = { path: caPath, content: output("caCertificate") };

/** What a firewall or a monitoring system wants to know. */
export const databaseEndpoints = output("nodes").apply((nodes) => nodes.map(({ address }) => `${address}:5432`));
export const backupEndpoints = output("repositories").apply((all) => all.map(({ endpoint }) => endpoint));
