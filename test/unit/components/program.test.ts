import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { renderText } from "../../../lab/render.js";
import { outputsSchema } from "../../../outputs.js";
import { known, named, type Registered, Secret, settled, startEngine } from "./engine.js";
import { hostKey, privateKey, settingsIn, useShipped, words } from "./fixture.js";

const root = new URL("../../..", import.meta.url).pathname;

let registered: Registered[];
let program: Record<string, unknown>;
let commands: Registered[];

beforeAll(async () => {
  registered = await startEngine("lab");
  useShipped("lab");
  program = await import("../../../index.js");
  await settled();
  commands = registered.filter(({ type }) => type === "command:remote:Command");
});

describe("the lab's program", () => {
  it("registers these resources, each step with these settings", async () => {
    const text = registered.map(show).sort(byText).join("\n");
    await expect(text).toMatchFileSnapshot("golden/lab.resources.txt");
  });

  it("puts no secret into a command: only onto its standard input, marked as one", () => {
    const generated = registered.filter(({ type }) => type.startsWith("random:"));
    expect(generated).toHaveLength(12);
    const secrets = [...generated.map(({ name }) => `${name}-password`), privateKey.split("\n")[1] ?? ""];
    for (const { name, inputs } of commands) {
      const { stdin, connection, ...open } = inputs;
      for (const secret of secrets) expect(JSON.stringify(open), name).not.toContain(secret);
      if (stdin !== undefined) expect(stdin, name).toBeInstanceOf(Secret);
      // The SDK marks the connection as a whole.
      expect(connection, name).toBeInstanceOf(Secret);
      expect((connection as Secret).value, name).toMatchObject({ hostKey, dialErrorLimit: 6 });
    }
  });

  it("gives every step that handles a secret its secrets, and no other step any", () => {
    const names = ({ inputs }: Registered) =>
      [...String((inputs.stdin as Secret).value).matchAll(/^([A-Z_0-9]+)='/gm)].map(([, name]) => name).join(" ");
    const given = commands.filter(({ name, inputs }) => inputs.stdin && name !== "lab-host-tools");
    expect(Object.fromEntries(given.map((step) => [step.name, names(step)]).sort())).toEqual({
      "drill-drill": "SECRETS_1 SECRETS_2",
      "failover-test": "APP_PASSWORD",
      "monitoring-alertmanager": "",
      "object-store-server": "KEY KEY_SECRET",
      "offsite-store-server": "KEY KEY_SECRET READER_KEY READER_KEY_SECRET",
      "pgaf-monitor-monitor": "MONITOR_PASSWORD",
      "pgaf-primary-application": "APP_PASSWORD",
      "pgaf-primary-attached": "MONITOR_PASSWORD REPLICATION_PASSWORD",
      "pgaf-primary-node": "MONITOR_PASSWORD REPLICATION_PASSWORD",
      "pgaf-primary-exports-configuration": "RCLONE_CONF",
      "pgaf-primary-pgbackrest-configuration": "SECRETS_CONF",
      "pgaf-replica-application": "APP_PASSWORD",
      "pgaf-replica-attached": "MONITOR_PASSWORD REPLICATION_PASSWORD",
      "pgaf-replica-node": "MONITOR_PASSWORD REPLICATION_PASSWORD",
      "pgaf-replica-exports-configuration": "RCLONE_CONF",
      "pgaf-replica-pgbackrest-configuration": "SECRETS_CONF",
      "restore-tools": "RCLONE_CONF IDENTITY",
    });
  });

  it("makes secrets once: protected, and deaf to changed arguments", () => {
    const passwords = registered.filter(({ type }) => type.startsWith("random:"));
    for (const { name, protect, ignoreChanges } of passwords) {
      expect({ protect, ignoreChanges }, name).toEqual({ protect: true, ignoreChanges: ["*"] });
    }
  });

  it("never runs a second text on update, nor hands the previous output to the next run", () => {
    for (const { name, inputs } of commands) {
      expect(inputs.update ?? undefined, name).toBeUndefined();
      expect(inputs.triggers ?? undefined, name).toBeUndefined();
      expect(inputs.addPreviousOutputInEnv, name).toBe(false);
    }
  });

  it("installs what `npm run render` prints", () => {
    const text = (what: string) => renderText([what, "--stack", "lab"], root);
    for (const node of ["pgaf-primary", "pgaf-replica"]) {
      const { CONF } = settingsIn(named(registered, `${node}-pgbackrest-configuration`));
      expect(text("pgbackrest.conf")).toBe(`${CONF}\n`);
    }
    expect(text("alerts")).toBe(`${settingsIn(named(registered, "monitoring-prometheus")).RULES}\n`);
    expect(text("prometheus.yml")).toBe(`${settingsIn(named(registered, "monitoring-prometheus")).CONFIG}\n`);
    expect(text("alertmanager.yml")).toBe(`${settingsIn(named(registered, "monitoring-alertmanager")).CONFIG}\n`);
    const units = [
      ...["node", "pgbackrest-configuration", "immutability-step", "exports-configuration"].map(
        (it) => `pgaf-replica-${it}`,
      ),
      ...["drill-drill", "restore-tools"],
    ];
    const installed = units.map((step) => settingsIn(named(registered, step)).UNITS ?? "").join("");
    const printed = Object.entries(parse(text("units")) as Record<string, string>);
    expect(printed.map(([path, content]) => `# ${path}\n${content}`).join("")).toBe(installed);
  });

  it("has the outputs of the contract, the URI as a secret", async () => {
    const { formationUri, caCertificate, convergence, escrow, ...plain } = program;
    const uri = await known(formationUri as pulumi.Output<string>);
    expect(uri.secret).toBe(true);
    expect(uri.value).toContain("@10.77.0.12:5432,10.77.0.13:5432/app?");
    expect((await known(caCertificate as pulumi.Output<string>)).value).toBe("restorable-authority stdout");
    const certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
    const outputs = { formationUri: uri.value, caCertificate: certificate, ...plain };
    expect(outputsSchema.strict().parse(outputs)).toEqual(outputs);
    expect(convergence).toEqual({});
    const held = await known(escrow as pulumi.Output<Record<string, string>>);
    expect(held.secret).toBe(true);
    expect(Object.keys(held.value)).toEqual(
      expect.arrayContaining(["repo1CipherPass", "repo2CipherPass", "offsiteReaderKey"]),
    );
  });

  it("loads nothing of AWS and Cloudflare", () => {
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    expect(loaded.some((path) => path.includes("/@pulumi/pulumi/"))).toBe(true);
    expect(loaded.filter((path) => /@pulumi\/(aws|cloudflare)\//.test(path))).toEqual([]);
  });

  it("reads scripts that exist", () => {
    for (const { name, inputs } of commands.filter(({ name }) => name !== "lab-host-tools")) {
      const [script] = words(inputs.create);
      expect(readFileSync(`${root}/scripts/converge/${script}.sh`, "utf8"), name).not.toBe("");
    }
  });
});

const byText = (a: string, b: string) => (a < b ? -1 : 1);

/**
 * One resource as a person reads it. Texts of several lines have goldens of their own, and the scripts' hashes change
 * with every word in them.
 */
function show(it: Registered): string {
  const lines = [`${it.name} (${it.type})`, `  parent: ${it.parent || "none"}`];
  if (it.dependencies.length > 0) lines.push(`  after: ${it.dependencies.join(" ")}`);
  if (it.deletedWith) lines.push(`  deleted with: ${it.deletedWith}`);
  if (it.protect) lines.push("  protected");
  const { create, delete: undo } = it.inputs;
  if (isStep(create)) {
    const all = words(create).map(short);
    const settings = all.findIndex((word) => /^[A-Z_0-9]+=/.test(word));
    const split = settings < 0 ? all.length : settings;
    lines.push(`  step: ${all.slice(0, split).join(" ")}`, ...all.slice(split).map((word) => `    ${word}`));
  } else if (create) lines.push("  a script");
  if (undo) lines.push(`  undone by: ${isStep(undo) ? words(undo)[0] : "a script"}`);
  if (it.inputs.stdin) lines.push("  stdin: [secret]");
  if (it.type.startsWith("random:")) lines.push(`  length: ${it.inputs.length}`);
  return `${lines.join("\n")}\n`;
}

const isStep = (command: unknown): command is string => /^\S+\/step /.test(String(command));

function short(word: string): string {
  if (/^[0-9a-f]{12}$/.test(word)) return "HASH";
  const lines = word.trimEnd().split("\n");
  return lines.length === 1 ? word : `${word.slice(0, word.indexOf("=") + 1)}(${lines.length} lines)`;
}
