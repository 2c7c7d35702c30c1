import { randomBytes } from "node:crypto";
import { postgresUser, toolsImage } from "./images.js";

/** A sample database of the lab's cluster: a Postgres of one pod, with rows. */
export interface Sample {
  namespace: string;
  /** Name of its StatefulSet: of its Service too, or of the CNPG cluster that it is labelled as. */
  name: string;
  kind: "plain" | "cnpg";
  /** Database and its owner. */
  database: string;
  table: string;
  rows: number;
}

export const samples: readonly Sample[] = [
  { namespace: "shop", name: "orders", kind: "plain", database: "orders", table: "orders", rows: 5000 },
  { namespace: "crm", name: "customers", kind: "plain", database: "crm", table: "customers", rows: 2000 },
  { namespace: "forum", name: "forum-db", kind: "cnpg", database: "forum", table: "posts", rows: 3000 },
  { namespace: "wiki", name: "wiki-db", kind: "cnpg", database: "wiki", table: "pages", rows: 1000 },
];

/** Service that leads to a sample: CNPG's ends in -rw. */
export const serviceOf = ({ name, kind }: Sample): string => (kind === "cnpg" ? `${name}-rw` : name);

/** Secret of a sample's owner: CNPG's is called so. */
export const secretOf = ({ name, kind }: Sample): string => (kind === "cnpg" ? `${name}-app` : `${name}-credentials`);

/** Makes the server and its rows at the first start, then runs it. */
const script = `set -euo pipefail
export PGDATA=/data/pg
if [ ! -e /data/complete ]; then
  rm -rf "$PGDATA"
  initdb -U postgres -A trust -E UTF8 >/dev/null
  printf 'local all all trust\\nhost all all all scram-sha-256\\n' >"$PGDATA/pg_hba.conf"
  pg_ctl -w -o '-c listen_addresses= -k /tmp' start >/dev/null
  psql -h /tmp -U postgres -v ON_ERROR_STOP=1 -v owner="$OWNER" -v password="$PASSWORD" -v database="$DATABASE" -q <<'SQL'
CREATE ROLE :"owner" LOGIN PASSWORD :'password';
CREATE DATABASE :"database" OWNER :"owner";
SQL
  psql -h /tmp -U "$OWNER" -d "$DATABASE" -v ON_ERROR_STOP=1 -v table="$TABLE" -v rows="$ROWS" -q <<'SQL'
CREATE TABLE :"table" (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, body text NOT NULL, made_at timestamptz NOT NULL DEFAULT now());
INSERT INTO :"table" (body) SELECT md5(n::text) FROM generate_series(1, :rows) n;
CREATE INDEX ON :"table" (body);
SQL
  pg_ctl -w stop >/dev/null
  touch /data/complete
fi
exec postgres -c listen_addresses='*' -k /tmp
`;

const labelsOf = ({ name, kind }: Sample): Record<string, string> =>
  kind === "cnpg"
    ? { "cnpg.io/cluster": name, "cnpg.io/instanceName": `${name}-0`, "cnpg.io/instanceRole": "primary" }
    : { "app.kubernetes.io/name": "postgresql", "app.kubernetes.io/instance": name };

/** A sample's Secret, made once. */
export const credentials = (sample: Sample): object => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: secretOf(sample), namespace: sample.namespace },
  stringData: {
    username: sample.database,
    password: randomBytes(18).toString("base64url"),
    dbname: sample.database,
  },
});

/** The objects of a sample, without its Secret. */
export function manifests(sample: Sample): object[] {
  const { namespace, name, database, table, rows } = sample;
  const labels = labelsOf(sample);
  const metadata = { name, namespace, labels };
  const fromSecret = (key: string) => ({ valueFrom: { secretKeyRef: { name: secretOf(sample), key } } });
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { ...metadata, name: serviceOf(sample) },
      spec: { selector: labels, ports: [{ name: "postgres", port: 5432 }] },
    },
    {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata,
      spec: {
        replicas: 1,
        serviceName: serviceOf(sample),
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            automountServiceAccountToken: false,
            terminationGracePeriodSeconds: 10,
            securityContext: {
              ...{ runAsNonRoot: true, runAsUser: postgresUser, runAsGroup: postgresUser, fsGroup: postgresUser },
              seccompProfile: { type: "RuntimeDefault" },
            },
            containers: [
              {
                name: "postgres",
                image: toolsImage,
                imagePullPolicy: "IfNotPresent",
                command: ["bash", "-c", script],
                env: [
                  { name: "OWNER", ...fromSecret("username") },
                  { name: "PASSWORD", ...fromSecret("password") },
                  { name: "DATABASE", value: database },
                  { name: "TABLE", value: table },
                  { name: "ROWS", value: String(rows) },
                ],
                ports: [{ name: "postgres", containerPort: 5432 }],
                resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "512Mi" } },
                securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
                // It listens only once its rows are there; a command in each pod would cost a fifth of a core.
                readinessProbe: { tcpSocket: { port: "postgres" }, periodSeconds: 2, timeoutSeconds: 20 },
                volumeMounts: [{ name: "data", mountPath: "/data" }],
              },
            ],
            volumes: [{ name: "data", emptyDir: {} }],
          },
        },
      },
    },
  ];
}
