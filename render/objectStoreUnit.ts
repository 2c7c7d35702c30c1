import { renderUnit, type UnitFiles, unitPath } from "./systemdUnit.js";

/**
 * `versitygw.service`. The server takes its root key from its environment only, so it is given one that is made at each
 * start and kept nowhere: who administers it is a user of its own.
 */
export function objectStoreUnit(args: {
  address: string;
  port: number;
  region: string;
  /** Keeps former versions of objects: deleting only hides. */
  versions: boolean;
}): UnitFiles {
  return {
    [unitPath("versitygw.service")]: renderUnit([
      {
        name: "Unit",
        entries: [
          ["Description", `S3 server of the ${args.versions ? "off-site" : "on-site"} repository`],
          ["Wants", "network-online.target"],
          ["After", "network-online.target"],
        ],
      },
      {
        name: "Service",
        entries: [
          [
            "ExecStart",
            [
              "/bin/sh -c 'export ROOT_ACCESS_KEY_ID=$$(openssl rand -hex 10) ROOT_SECRET_ACCESS_KEY=$$(openssl rand -hex 24);",
              "exec /usr/local/bin/versitygw",
              `--port=${args.address}:${args.port}`,
              `--region=${args.region}`,
              "--cert=/etc/restorable/tls/server.crt",
              "--key=/etc/restorable/tls/server.key",
              "--iam-dir=/var/lib/object-store/iam",
              "--quiet",
              "posix",
              ...(args.versions ? ["--versioning-dir=/var/lib/object-store/versions"] : []),
              "/var/lib/object-store/data'",
            ].join(" "),
          ],
          ["Restart", "on-failure"],
          ["RestartSec", "1s"],
          ["LimitNOFILE", 65_536],
        ],
      },
      { name: "Install", entries: [["WantedBy", "multi-user.target"]] },
    ]),
  };
}
