import { posix } from "node:path";

/** Label of everything that the stack makes in a cluster. */
export const managedBy = { "app.kubernetes.io/managed-by": "restorable" } as const;

/** Names of the objects that each namespace with jobs has. */
export const objectNames = { scripts: "restorable-scripts", public: "restorable-public" } as const;

/** What all jobs of the stack have in common. */
export interface PodArgs {
  /** With tag or digest. */
  readonly image: string;
  /** User, group and owner of the volumes. */
  readonly runAsUser: number;
  /** Name of the job's pods: label `app.kubernetes.io/name`, by which their network policy finds them. */
  readonly app: string;
  /** Script below `scripts/`. */
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  /** Secrets by the folder below /etc/restorable that they are mounted at. */
  readonly secrets: Readonly<
    Record<string, { readonly name: string; readonly items?: Readonly<Record<string, string>> }>
  >;
  /** Scripts, by their path below `scripts/`. */
  readonly scripts: readonly string[];
  readonly requests: { readonly cpu: string; readonly memory: string };
  readonly memoryLimit: string;
  readonly work: { readonly size: string; readonly inMemory: boolean };
  /** Whose token the pod gets, to talk to the API; none without. */
  readonly serviceAccount?: string;
}

export interface CronJobArgs extends PodArgs {
  readonly name: string;
  readonly namespace: string;
  /** Five fields, UTC. */
  readonly schedule: string;
  readonly deadlineSeconds: number;
  /** Exit codes after which another attempt would end the same way. */
  readonly final: readonly number[];
}

const etc = "/etc/restorable";
const scriptsRoot = "/opt/restorable";
const work = "/work";

/** Key of a script in the ConfigMap: a key has no slash. */
export const scriptKey = (path: string): string => path.replaceAll("/", ".");

/**
 * `data` of the ConfigMap with the scripts.
 *
 * @throws Error naming a script that is not there
 */
export function scriptsData(paths: readonly string[], files: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries(
    paths.map((path) => {
      const text = files.get(path);
      if (text === undefined) throw new Error(`no ${path} in scripts/`);
      return [scriptKey(path), text];
    }),
  );
}

/** `/etc/passwd` of the pods: Postgres' programs ask for the name of whoever runs them, whichever image it is. */
export const passwd = (user: number): string =>
  `root:x:0:0:root:/root:/usr/sbin/nologin\npostgres:x:${user}:${user}:restorable:${work}:/bin/bash\n`;

/** A CronJob: one run at a time, ended at its deadline, as unprivileged as a pod can be. */
export function cronJob(args: CronJobArgs) {
  const labels = { ...managedBy, "app.kubernetes.io/name": args.app };
  return {
    metadata: { name: args.name, namespace: args.namespace, labels },
    spec: {
      schedule: args.schedule,
      timeZone: "Etc/UTC",
      concurrencyPolicy: "Forbid",
      // What a stopped controller missed is made up for within the hour.
      startingDeadlineSeconds: 3600,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 3,
      jobTemplate: {
        metadata: { labels },
        spec: {
          backoffLimit: 2,
          activeDeadlineSeconds: args.deadlineSeconds,
          ttlSecondsAfterFinished: 604800,
          podFailurePolicy: {
            rules: [
              {
                action: "FailJob",
                onExitCodes: { containerName: "job", operator: "In", values: [...args.final] },
              },
            ],
          },
          template: { metadata: { labels }, spec: podSpec(args) },
        },
      },
    },
  };
}

function podSpec(args: PodArgs) {
  const secrets = Object.entries(args.secrets);
  return {
    restartPolicy: "Never",
    // Long enough to take an upload back and to say that the run failed.
    terminationGracePeriodSeconds: 60,
    automountServiceAccountToken: args.serviceAccount !== undefined,
    ...(args.serviceAccount === undefined ? {} : { serviceAccountName: args.serviceAccount }),
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: args.runAsUser,
      runAsGroup: args.runAsUser,
      fsGroup: args.runAsUser,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [
      {
        name: "job",
        image: args.image,
        imagePullPolicy: "IfNotPresent",
        command: ["bash", posix.join(scriptsRoot, args.script)],
        env: Object.entries({ ...args.env, HOME: work, TMPDIR: work }).map(([name, value]) => ({ name, value })),
        // `kubectl describe` then shows what the script said.
        terminationMessagePolicy: "FallbackToLogsOnError",
        resources: { requests: args.requests, limits: { memory: args.memoryLimit } },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        volumeMounts: [
          { name: "work", mountPath: work },
          { name: "scripts", mountPath: scriptsRoot, readOnly: true },
          { name: "public", mountPath: `${etc}/public`, readOnly: true },
          { name: "public", mountPath: "/etc/passwd", subPath: "passwd", readOnly: true },
          ...secrets.map(([folder]) => ({ name: folder, mountPath: `${etc}/${folder}`, readOnly: true })),
        ],
      },
    ],
    volumes: [
      {
        name: "work",
        emptyDir: { sizeLimit: args.work.size, ...(args.work.inMemory ? { medium: "Memory" } : {}) },
      },
      {
        name: "scripts",
        configMap: {
          name: objectNames.scripts,
          defaultMode: 0o555,
          items: args.scripts.map((path) => ({ key: scriptKey(path), path })),
        },
      },
      { name: "public", configMap: { name: objectNames.public, defaultMode: 0o444 } },
      ...secrets.map(([folder, { name, items }]) => ({
        name: folder,
        secret: {
          secretName: name,
          defaultMode: 0o440,
          ...(items ? { items: Object.entries(items).map(([path, key]) => ({ key, path })) } : {}),
        },
      })),
    ],
  };
}
