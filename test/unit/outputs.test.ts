import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Outputs, outputsSchema, parseOutputs, plainOutputs } from "../../outputs.js";
import { parsePlainSettings } from "../../settings/parse.js";
import { readStackFile } from "../../settings/stackFile.js";

const outputs = (stack: string): Outputs => ({
  formationUri:
    "postgres://app:pw@10.1.1.1:5432,10.1.1.2:5432/app?target_session_attrs=read-write&sslmode=verify-full&connect_timeout=2",
  caCertificate: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
  ...plainOutputs(parsePlainSettings(readStackFile(stack).raw, { stack })),
});

const changed = (change: Partial<Record<keyof Outputs, unknown>>) => JSON.stringify({ ...outputs("lab"), ...change });

describe("outputs", () => {
  it.each(["lab", "prod"])("are as the contract says for the shipped stack %s", (stack) => {
    expect(parseOutputs(JSON.stringify(outputs(stack)))).toEqual(outputs(stack));
  });

  it("show where the lab is", () => {
    const { formationUri: _, caCertificate: __, ...plain } = outputs("lab");
    expect(plain).toEqual({
      monitorAddress: "10.77.0.11",
      nodes: [
        { name: "pgaf-primary", host: "lab-host", address: "10.77.0.12", container: "pgaf-primary" },
        { name: "pgaf-replica", host: "lab-host", address: "10.77.0.13", container: "pgaf-replica" },
      ],
      stanza: "main",
      repositories: [
        {
          number: 1,
          endpoint: "https://10.77.0.20:9000",
          bucket: "restorable-lab",
          path: "/pgbackrest",
          region: "us-east-1",
          retention: { full: 4, diff: 7, archive: 4 },
        },
        {
          number: 2,
          endpoint: "https://10.77.0.22:9000",
          bucket: "restorable-lab-offsite",
          path: "/pgbackrest",
          region: "us-east-1",
          retention: { days: 30 },
        },
      ],
      metricsDirectory: "/var/lib/node_exporter/textfile_collector",
      alertRulesPath: "/etc/prometheus/rules/restorable.yml",
      drillHost: { name: "lab-host", address: "10.77.0.10" },
      prometheusUrl: "http://10.77.0.30:9090",
      alertmanagerUrl: "http://10.77.0.30:9093",
    });
  });
});

describe("parseOutputs", () => {
  it("takes a masked URI, and leaves out what is internal", () => {
    const parsed = parseOutputs(changed({ formationUri: "[secret]", convergence: {} } as never));
    expect(parsed).toEqual({ ...outputs("lab"), formationUri: "[secret]" });
  });

  it.each<[keyof Outputs, unknown]>([
    ["formationUri", undefined],
    ["formationUri", "postgres://app:hidden-value@10.1.1.1:5432/app?sslmode=verify-full"],
    ["formationUri", "postgres://app:hidden-value@10.1.1.1/app?target_session_attrs=read-write&sslmode=require"],
    ["caCertificate", "-----BEGIN PRIVATE KEY-----"],
    ["nodes", []],
    ["repositories", [{ number: 1, endpoint: "http://10.1.1.1" }]],
    ["drillHost", { name: "lab-host" }],
  ])("names a wrong %s and shows no value", (name, value) => {
    const refusal = (() => {
      try {
        parseOutputs(changed({ [name]: value }));
        return "accepted";
      } catch (error) {
        return (error as Error).message;
      }
    })();
    expect(refusal).toMatch(new RegExp(`^these are no outputs of a restorable stack:\n  ${name}`));
    expect(refusal).not.toContain("hidden-value");
  });
});

describe("docs/outputs.md", () => {
  it("lists every output with its meaning, in this order", () => {
    const text = readFileSync(new URL("../../docs/outputs.md", import.meta.url), "utf8");
    const table = text.split("\n").filter((line) => /^\| `/.test(line));
    expect(table).toEqual(rows(z.toJSONSchema(outputsSchema) as Schema));
  });
});

interface Schema {
  type?: string;
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
}

function rows(schema: Schema, prefix = ""): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, { type, description, items, ...rest }]) => {
    const key = `${prefix}${name}`;
    const kind = items ? "list" : type;
    return [`| \`${key}\` | ${kind} | ${description} |`, ...rows(rest, `${key}.`), ...rows(items ?? {}, `${key}[].`)];
  });
}
