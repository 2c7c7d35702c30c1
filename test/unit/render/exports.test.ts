import { describe, expect, it } from "vitest";
import { besideRepository, exportsEnv, rcloneConf, recipientsOf } from "../../../render/exports.js";
import { exportDrillUnits, exportUnits } from "../../../render/exportUnits.js";
import { joinUnits } from "../../../render/systemdUnit.js";

const store = {
  endpoint: "s3.example.net",
  port: 443,
  bucket: "off-site",
  path: "/pgbackrest",
  region: "us-east-1",
  uriStyle: "path",
} as const;
/** The test vector of age's specification. */
const identity = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
const recipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

describe("exports", () => {
  it("settings of a data node", () => {
    const args = { store, retentionDays: 30, metricsDirectory: "/metrics" };
    expect(exportsEnv(args, false)).toContain("EXPORTS_ROOT='exports:off-site/exports'\n");
    expect(exportsEnv(args, false)).toContain("DATABASES=''\nEXPORTS_ROOT");
    expect(exportsEnv(args, false)).toContain("STORE_CA=''\n");
    expect(exportsEnv({ ...args, databases: ["app", "it's"] }, true)).toContain(`DATABASES='app\nit'\\''s'\n`);
    expect(exportsEnv(args, true)).toContain("STORE_CA='/etc/restorable/exports/store-ca.crt'\n");
  });

  it("stand beside the repository, so that one prefix holds both", () => {
    const inFolder = { store: { ...store, path: "/site/pgbackrest" }, retentionDays: 30, metricsDirectory: "/metrics" };
    expect(exportsEnv(inFolder, false)).toContain("EXPORTS_ROOT='exports:off-site/site/exports'\n");
    expect(besideRepository("/pgbackrest", "exports")).toBe("/exports");
    expect(besideRepository("/a/b/pgbackrest/", "exports")).toBe("/a/b/exports");
    expect(besideRepository("/", "exports")).toBe("/exports");
  });

  it("rclone's configuration, and no secret in an error", () => {
    expect(rcloneConf(store, { key: "KEY", keySecret: "SECRET" })).toBe(`[exports]
type=s3
provider=Other
endpoint=https://s3.example.net:443
region=us-east-1
force_path_style=true
no_check_bucket=true
access_key_id=KEY
secret_access_key=SECRET
`);
    expect(() => rcloneConf(store, { key: "KEY", keySecret: "HIDDEN\nx" })).toThrow(
      /^(?!.*HIDDEN).*secret_access_key/s,
    );
  });

  it("recipients: the identity's own first, each once", async () => {
    expect(await recipientsOf(identity, [])).toBe(recipient);
    expect(await recipientsOf(`${identity}\n`, [recipient, "age1other"])).toBe(`${recipient}\nage1other`);
    await expect(recipientsOf("AGE-SECRET-KEY-1HIDDEN", [])).rejects.toThrow(/^(?!.*HIDDEN).*no age identity/);
  });

  it("units", async () => {
    const schedule = { onCalendar: "*-*-* 01:00:00 UTC", randomizedDelaySeconds: 300 };
    const units = { ...exportUnits(schedule), ...exportDrillUnits({ ...schedule, timeLimitSeconds: 3600 }) };
    await expect(joinUnits(units)).toMatchFileSnapshot("golden/export-units.txt");
    expect(() => exportUnits({ ...schedule, onCalendar: "*-*-* 01:00:00" })).toThrow("UTC");
  });
});
