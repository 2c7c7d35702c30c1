import * as pulumi from "@pulumi/pulumi";
import { AlertRules } from "./components/AlertRules.js";
import { CertificateAuthority } from "./components/CertificateAuthority.js";
import { CoverageLedger } from "./components/CoverageLedger.js";
import { DockerInventory } from "./components/DockerInventory.js";
import { DrillHost } from "./components/DrillHost.js";
import { FailoverTest } from "./components/FailoverTest.js";
import { GeneratedSecrets } from "./components/GeneratedSecrets.js";
import { HostDump } from "./components/HostDump.js";
import { HostMetrics } from "./components/HostMetrics.js";
import { ImmutabilityProbe } from "./components/ImmutabilityProbe.js";
import { IncusHost } from "./components/IncusHost.js";
import { Monitoring } from "./components/Monitoring.js";
import { makeKubernetes } from "./components/makeKubernetes.js";
import { makeOffsite } from "./components/makeOffsite.js";
import { DataNodeMetrics, MonitorMetrics } from "./components/NodeMetrics.js";
import { ObjectStore } from "./components/ObjectStore.js";
import type { BucketKey, OffsiteBucket } from "./components/OffsiteBucket.js";
import { firstBackups, PgBackrestNode, type RepositorySecrets } from "./components/PgBackrestNode.js";
import { PgExports } from "./components/PgExports.js";
import { PgFormation, type PgMember } from "./components/PgFormation.js";
import { PgImage } from "./components/PgImage.js";
import { PrometheusHost } from "./components/PrometheusHost.js";
import { RemoteHost } from "./components/RemoteHost.js";
import { RestoreTools } from "./components/RestoreTools.js";
import { type Outputs, plainOutputs } from "./outputs.js";
import { plan } from "./plan.js";
import { dumpFolders } from "./planDumps.js";
import { planMonitoring } from "./planMonitoring.js";
import { asRoot } from "./remote/asRoot.js";
import { readBundle } from "./remote/bundle.js";
import type { Connection } from "./remote/connection.js";
import { toolsRoot } from "./remote/installBundle.js";
import { lookAtHosts } from "./remote/lookAtHosts.js";
import { quote } from "./remote/quote.js";
import { besideRepository } from "./render/exports.js";
import { timersOf } from "./render/metricsEnv.js";
import { unitsToEnable } from "./render/systemdUnit.js";
import {
  failureDomainWarnings,
  type ReceiverName,
  readSettings,
  receiverWarnings,
  type SecretName,
  type SecretSettings,
} from "./settings.js";

const { settings, secrets: configured, generated, webhooks, sshPrivateKey, kubeconfig, ...given } = readSettings();
const { postgres, formation, backup, drill, metrics, alerts, objectStore, offsite, offsiteStore } = settings;
const planned = plan(settings);
const receivers = new Set(Object.keys(webhooks) as ReceiverName[]);
const stack = `${pulumi.getProject()}-${pulumi.getStack()}`;
const watching = planMonitoring(settings, stack, receivers);

for (const warning of [...failureDomainWarnings(settings), ...receiverWarnings(settings, receivers)])
  await pulumi.log.warn(warning);

const dumpHosts = settings.dumps?.hosts ?? [];
type Reached = Pick<(typeof settings.hosts)[number], "address" | "port" | "user" | "hostKey">;
const reachable = ({ address, port, user, hostKey }: Reached): Connection => ({
  host: address,
  port,
  user,
  hostKey,
  privateKey: sshPrivateKey,
});
const bundle = readBundle();
const converged = await lookAtHosts(
  [...settings.hosts, ...dumpHosts.map((host) => ({ ...host, project: "" }))].map((host) => ({
    name: host.name,
    connection: reachable(host),
    command: asRoot(host.user, `timeout 120 ${toolsRoot(stack)}/facts ${quote(host.project)}`),
  })),
  settings.checkDrift,
);

const secrets: SecretSettings = {
  ...configured,
  ...(generated.length > 0 ? new GeneratedSecrets("secrets", generated).values : {}),
};
const secret = (name: SecretName): pulumi.Output<string> => {
  const value = secrets[name];
  if (!value) throw new Error(`no secret ${name}`);
  return value;
};

/** The two keys of a bucket that somebody made. */
const bucketKeys = (of: "offsite" | "kubernetes") => ({
  writer: { key: secret(`${of}WriterKey`), keySecret: secret(`${of}WriterKeySecret`) },
  reader: { key: secret(`${of}ReaderKey`), keySecret: secret(`${of}ReaderKeySecret`) },
});

const hosts = new Map(
  settings.hosts.map((host) => [
    host.name,
    new IncusHost(host.name, { ...host, connection: reachable(host), stack, bundle, convergence: converged }),
  ]),
);
const hostNamed = (name: string): IncusHost => {
  const host = hosts.get(name);
  if (!host) throw new Error(`no host ${name}`);
  return host;
};
const [firstHost] = hosts.values();
if (!firstHost) throw new Error("no hosts");

const authority = new CertificateAuthority("restorable", {
  host: firstHost,
  ...(given.authority ? { given: given.authority } : {}),
});
const [repository1] = planned.backup.repositories;
if (!repository1) throw new Error("no repository");
const storeCa = objectStore || offsiteStore ? authority.certificate : "";

const offsiteBucket: OffsiteBucket | undefined =
  offsite &&
  (await makeOffsite("offsite", {
    ...offsite,
    // The repository, and the logical exports beside it.
    folders: [
      offsite.path,
      besideRepository(offsite.path, "exports"),
      ...dumpFolders(settings),
      ...(planned.kubernetes?.offsite ? [`/${planned.kubernetes.folder}`] : []),
    ],
    owner: stack,
    keepData: settings.protectData,
    existing: () => bucketKeys("offsite"),
  }));
/** Secrets of all repositories, with one or the other of the off-site bucket's keys. */
const repositorySecrets = (offsiteKey: (bucket: OffsiteBucket) => BucketKey): RepositorySecrets[] => [
  { number: 1, key: secret("repo1Key"), keySecret: secret("repo1KeySecret"), cipherPass: secret("repo1CipherPass") },
  ...(offsiteBucket ? [{ number: 2, ...offsiteKey(offsiteBucket), cipherPass: secret("repo2CipherPass") }] : []),
];

const images = new Map(
  [...hosts].map(([name, host]) => [
    name,
    new PgImage(`${name}-pg-image`, {
      host,
      ...planned.image,
    }),
  ]),
);
const image = [...images.values()];
const alias = image[0]?.alias ?? "";

const storeCommon = { image: settings.image, keepData: settings.protectData, authority };
const stores = [
  ...(objectStore
    ? [
        new ObjectStore(objectStore.name, {
          ...objectStore,
          ...storeCommon,
          host: hostNamed(objectStore.host),
          bucket: repository1.bucket,
          region: repository1.region,
          key: secret("repo1Key"),
          keySecret: secret("repo1KeySecret"),
        }),
      ]
    : []),
  ...(offsiteStore && offsite && offsiteBucket
    ? [
        new ObjectStore(offsiteStore.name, {
          ...offsiteStore,
          ...storeCommon,
          host: hostNamed(offsiteStore.host),
          bucket: offsite.bucket,
          region: offsite.region,
          versions: true,
          ...offsiteBucket.writer,
          reader: offsiteBucket.reader,
        }),
      ]
    : []),
];

const member = (args: Omit<PgMember, "host"> & { host: string }): PgMember => ({ ...args, host: hostNamed(args.host) });
const { recoverFrom } = settings;
const recovery = recoverFrom && {
  ...recoverFrom,
  backup: planned.backup,
  archiveTimeoutSeconds: backup.archiveTimeoutSeconds,
  database: postgres.database,
  secrets: repositorySecrets(({ reader }) => reader),
  storeCa,
  after: stores.map(({ ready }) => ready),
};
const pg = new PgFormation(
  "formation",
  {
    major: postgres.major,
    image: alias,
    monitor: member(formation.monitor),
    nodes: formation.nodes.map(member) as [PgMember, ...PgMember[]],
    numberSyncStandbys: formation.numberSyncStandbys,
    healthCheck: formation.healthCheck,
    authority,
    database: postgres.database,
    role: postgres.role,
    clientNetworks: postgres.clientNetworks,
    keepData: settings.protectData,
    ...(recovery ? { recoverFrom: recovery } : {}),
    monitorPassword: secret("monitorPassword"),
    replicationPassword: secret("replicationPassword"),
    appPassword: secret("appPassword"),
  },
  // Not the components: what prunes them comes after the formation.
  { dependsOn: image.map(({ built }) => built) },
);

const pgbackrest = pg.nodes.map(
  (node) =>
    new PgBackrestNode(
      `${node.member.name}-pgbackrest`,
      {
        node,
        backup: planned.backup,
        timers: planned.backupTimers,
        metricsDirectory: settings.metrics.directory,
        database: postgres.database,
        secrets: repositorySecrets(({ writer }) => writer),
        archiveTimeoutSeconds: backup.archiveTimeoutSeconds,
        allow: backup.allow,
        storeCa,
      },
      { dependsOn: [...pg.ready, ...stores.map(({ ready }) => ready)] },
    ),
);
const stanzas = pgbackrest.map((node) => node.stanza(pgbackrest.map(({ configured }) => configured)));

const [firstNode] = pg.nodes;
if (recoverFrom && firstNode)
  firstBackups(`${firstNode.member.name}-first-backups`, firstNode, planned.backup, { dependsOn: stanzas });

const drilled = new DrillHost(
  "drill",
  {
    host: hostNamed(drill.host),
    env: planned.drillEnv,
    backup: planned.backup,
    units: planned.drillUnits,
    ...(planned.pitrDrillUnits ? { pitr: planned.pitrDrillUnits } : {}),
    secrets: repositorySecrets(({ reader }) => reader),
    storeCa,
  },
  { dependsOn: stanzas },
);

const exported = planned.exports &&
  offsiteBucket && {
    ...planned.exports,
    ...offsiteBucket,
    identity: secret("exportsIdentity"),
    storeCa: planned.exports.ownCa ? storeCa : "",
  };
const exporting = pg.nodes.flatMap((node) =>
  exported
    ? new PgExports(
        `${node.member.name}-exports`,
        { ...exported, ...exported.files, node, major: postgres.major, units: exported.nodeUnits },
        { dependsOn: stanzas },
      )
    : [],
);
new RestoreTools(
  "restore",
  {
    host: hostNamed(drill.host),
    drill: planned.drillEnv,
    env: planned.restoreEnv,
    ...(exported ? { exports: { ...exported, store: exported.files.store, units: exported.drillUnits } } : {}),
  },
  { dependsOn: [drilled.installed] },
);

if (planned.kubernetes && kubeconfig !== undefined)
  await makeKubernetes(
    "kubernetes",
    {
      ...planned.kubernetes,
      ...(planned.kubernetes.offsite && offsiteBucket ? offsiteBucket : bucketKeys("kubernetes")),
      kubeconfig,
      scripts: bundle.files,
      identity: secret("kubernetesIdentity"),
      storeCa: planned.kubernetes.ownCa ? storeCa : "",
    },
    { dependsOn: stores.map(({ ready }) => ready) },
  );

new FailoverTest(
  "failover",
  { host: hostNamed(drill.host), env: planned.failoverTestEnv, appPassword: secret("appPassword") },
  { dependsOn: pg.ready },
);

if (offsite)
  for (const { container } of pg.nodes)
    new ImmutabilityProbe(
      `${container.containerName}-immutability`,
      {
        container,
        stanza: backup.stanza,
        repository: 2,
        metricsDirectory: metrics.directory,
        randomizedDelaySeconds: backup.randomizedDelaySeconds,
      },
      { dependsOn: stanzas },
    );

for (const built of images.values()) built.prune([...stanzas, drilled.installed]);

new MonitorMetrics(
  `${pg.monitor.containerName}-metrics`,
  {
    container: pg.monitor,
    directory: metrics.directory,
    major: postgres.major,
    nodesExpected: formation.nodes.length,
  },
  { dependsOn: pg.ready },
);
for (const { container } of pg.nodes)
  new DataNodeMetrics(
    `${container.containerName}-metrics`,
    {
      container,
      directory: metrics.directory,
      major: postgres.major,
      database: postgres.database,
      stanza: backup.stanza,
      repositories: planned.backup.repositories.map(({ number }) => number),
      timers: planned.backupTimers,
      units: planned.nodeUnits,
      nodes: formation.nodes,
      outage: planned.backup.outage,
    },
    { dependsOn: [...stanzas, ...exporting] },
  );
const dumping = new Map(
  dumpHosts.map((host) => [
    host.name,
    new RemoteHost(host.name, { connection: reachable(host), stack, bundle, convergence: converged }),
  ]),
);
for (const { host, upload, ...dump } of planned.dumps)
  new HostDump(`${host}-dump-${dump.dump.kind}`, {
    ...dump,
    host: dumping.get(host) ?? hostNamed(host),
    ...(upload && offsiteBucket
      ? {
          upload: {
            ...upload,
            writer: offsiteBucket.writer,
            identity: secret("exportsIdentity"),
            storeCa: upload.ownCa ? storeCa : "",
          },
        }
      : {}),
  });

let prometheus: pulumi.Resource | undefined;
if (settings.monitoring && watching.prometheus) {
  const { name, ...monitoring } = settings.monitoring;
  prometheus = new Monitoring(name, {
    ...monitoring,
    host: hostNamed(monitoring.host),
    image: settings.image,
    keepData: settings.protectData,
    metricsDirectory: settings.metrics.directory,
    prometheus: watching.prometheus,
    rules: planned.alertRules,
    alertmanager: watching.alertmanager,
    webhooks,
  }).ready;
} else if (settings.prometheus) {
  const { alertmanager, ...existing } = settings.prometheus;
  prometheus = new PrometheusHost("prometheus", {
    ...existing,
    host: hostNamed(existing.host),
    scrape: watching.scrape,
    rules: planned.alertRules,
    ...(alertmanager ? { alertmanager: { ...alertmanager, conf: watching.alertmanager, webhooks } } : {}),
  });
} else {
  new AlertRules("alerts", { host: hostNamed(drill.host), path: alerts.rulesPath, rules: planned.alertRules });
}

const { coverage } = planned;
if (coverage)
  new CoverageLedger(
    "coverage",
    { ...coverage, host: hostNamed(coverage.host) },
    { dependsOn: prometheus ? [prometheus] : [] },
  );
for (const host of coverage?.dockerHosts ?? [])
  new DockerInventory(`${host}-docker-inventory`, {
    host: dumping.get(host) ?? hostNamed(host),
    directory: metrics.directory,
  });

// Last, for it watches the data volumes of every container above.
for (const [name, host] of hosts)
  new HostMetrics(`${name}-metrics`, {
    host,
    directory: metrics.directory,
    timers: timersOf([
      ...(name === drill.host ? unitsToEnable(planned.drillHostUnits) : []),
      ...(name === coverage?.host ? unitsToEnable(coverage.units) : []),
    ]),
    certificates: host === firstHost ? [`/var/lib/restorable/${stack}/authority/ca.crt`] : [],
  });

// The contract with other stacks: outputs.ts.
export const formationUri: pulumi.Output<Outputs["formationUri"]> = pg.uri;
export const caCertificate: pulumi.Output<Outputs["caCertificate"]> = authority.certificate;
const plain = plainOutputs(settings);
export const { monitorAddress, nodes, stanza, repositories, metricsDirectory, alertRulesPath, drillHost } = plain;
export const { prometheusUrl, alertmanagerUrl } = plain;
/** For `npm run escrow` only: every secret as it is deployed, by its key in the configuration. */
export const escrow = pulumi.secret(
  pulumi.all({
    ...secrets,
    ...(offsiteBucket
      ? {
          offsiteWriterKey: offsiteBucket.writer.key,
          offsiteWriterKeySecret: offsiteBucket.writer.keySecret,
          offsiteReaderKey: offsiteBucket.reader.key,
          offsiteReaderKeySecret: offsiteBucket.reader.keySecret,
        }
      : {}),
  }),
);
/** For the next update of this stack only: how often a step had to be repeated because of drift. */
export const convergence = converged.generations;
