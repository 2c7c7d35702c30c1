import { asRoot } from "../remote/asRoot.js";
import type { Connection } from "../remote/connection.js";
import { toolsRoot } from "../remote/installBundle.js";
import { quote } from "../remote/quote.js";
import { runOverSsh } from "../remote/ssh.js";
import type { ResolvedSettings } from "../settings/files.js";
import type { Escrow } from "./format.js";

/** The stack's hosts, reached with its own key. */
export interface Site {
  settings: ResolvedSettings;
  sshPrivateKey: string;
  /** `<project>-<stack>`: what the stack is called on its hosts. */
  name: string;
}

/** How a host of the settings is reached. @throws Error when it is none of them */
export function connectionOf({ settings, sshPrivateKey }: Site, host: string): Connection & { project: string } {
  const found = settings.hosts.find(({ name }) => name === host);
  if (!found) throw new Error(`no host ${host}`);
  const { address, port, user, hostKey, project } = found;
  return { host: address, port, user, hostKey, privateKey: sshPrivateKey, project };
}

/** Runs a command as root on a host and gives its output. @throws Error with what it said */
export async function onHost(site: Site, host: string, what: string, command: string): Promise<string> {
  const { project: _, ...connection } = connectionOf(site, host);
  const { code, stdout, stderr } = await runOverSsh(connection, asRoot(connection.user, command));
  if (code !== 0) throw new Error(`host ${host}: ${what}: ${stderr.trim().split("\n").at(-1) || `exit ${code}`}`);
  return stdout;
}

/** Key and certificate of the stack's authority, from the first host, where they are made. */
export async function readAuthority(site: Site): Promise<Escrow["authority"]> {
  const [first] = site.settings.hosts;
  const folder = `/var/lib/restorable/${site.name}/authority`;
  const read = (file: string) =>
    onHost(site, first?.name ?? "", `the authority's ${file} cannot be read`, `cat ${folder}/${file}`);
  return { key: await read("ca.key"), certificate: await read("ca.crt") };
}

/** Files without which an encrypted repository cannot be read; each has a copy beside it in the repository. */
const infoFiles = (stanza: string) => [`backup/${stanza}/backup.info`, `archive/${stanza}/archive.info`];

/**
 * pgBackRest's version and the info files of every repository, as a data node reads them. A file that is not there yet
 * is left out, a repository that does not answer is an error: half an escrow is none.
 */
export async function readRepositories(
  site: Site,
): Promise<{ pgbackrest: string; repositories: Escrow["repositories"] }> {
  const { formation, backup } = site.settings;
  const paths = infoFiles(backup.stanza);
  const numbers = backup.repositories.map(({ number }) => number);
  const script = [
    "set -eu; cd /",
    "pgbackrest version",
    ...numbers.flatMap((number) =>
      paths.map((path) => {
        const ask = `pgbackrest --log-level-console=off --log-level-stderr=error --log-level-file=off --repo=${number}`;
        const [folder, file] = [path.replace(/\/[^/]*$/, ""), path.split("/").at(-1)];
        return `names=$(${ask} repo-ls ${folder}); if printf '%s\\n' "$names" | grep -qx ${file}; then content=$(${ask} --raw repo-get ${path} | base64 -w0); [ -n "$content" ]; echo "${number} ${path} $content"; fi`;
      }),
    ),
  ].join("\n");
  const failures: string[] = [];
  for (const node of formation.nodes) {
    const { project } = connectionOf(site, node.host);
    const command = `incus exec ${quote(node.name)} --project ${quote(project)} -- runuser -u postgres -- bash -o pipefail -c ${quote(script)} </dev/null`;
    try {
      return parseRepositories(
        await onHost(site, node.host, `${node.name}: the repositories cannot be read`, command),
        numbers,
      );
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  throw new Error(failures.join("; "));
}

/** Takes apart what the look at the repositories printed. */
export function parseRepositories(
  text: string,
  numbers: readonly number[],
): { pgbackrest: string; repositories: Escrow["repositories"] } {
  const [version = "", ...lines] = text.trim().split("\n");
  const files = lines.map((line) => line.split(" "));
  const repositories = numbers.map((number) => ({
    number,
    info: files.filter(([of]) => of === String(number)).map(([, path = "", content = ""]) => ({ path, content })),
  }));
  const empty = repositories.filter(({ info }) => info.length < 2).map(({ number }) => number);
  if (empty.length > 0) throw new Error(`repository ${empty.join(", ")} holds no stanza yet: there is nothing to keep`);
  return { pgbackrest: version.replace(/^pgBackRest /, ""), repositories };
}

/** Notes on the drill host that an escrow was made: restorable_escrow_timestamp_seconds. */
export async function noteEscrow(site: Site, madeAt: Date): Promise<void> {
  const { drill, metrics } = site.settings;
  const seconds = Math.floor(madeAt.getTime() / 1000);
  const command = `${toolsRoot(site.name)}/escrow/metric.sh --made ${seconds} ${quote(metrics.directory)} /var/lib/restorable/${site.name}`;
  await onHost(site, drill.host, "that an escrow was made cannot be noted", command);
}
