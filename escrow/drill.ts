import { plan } from "../plan.js";
import { asRoot } from "../remote/asRoot.js";
import { readBundle } from "../remote/bundle.js";
import { quote } from "../remote/quote.js";
import { runOverSsh } from "../remote/ssh.js";
import { drillConf } from "../render/backupFiles.js";
import { renderDrillEnv } from "../render/drillEnv.js";
import { renderPgbackrestSecrets } from "../render/pgbackrestConf.js";
import type { Settings } from "../settings/complete.js";
import type { Escrow } from "./format.js";
import { connectionOf, type Site } from "./hosts.js";
import { repositorySecrets } from "./repositorySecrets.js";

/** Files of a drill that knows the escrow only, by their path in its folder. */
export function drillFiles(escrow: Escrow, settings: Settings, repository: number): Map<string, string> {
  const { drillEnv, backup } = plan(settings);
  const host = settings.hosts.find(({ name }) => name === settings.drill.host);
  const drilled = backup.repositories.find(({ number }) => number === repository);
  if (!host || !drilled) throw new Error(`the escrow's settings have no repository ${repository}`);
  const scripts = [...readBundle().files].filter(([path]) => path === "dr-drill.sh" || path.startsWith("drill/"));
  return new Map([
    ...scripts,
    [
      "drill.env",
      renderDrillEnv({
        ...drillEnv,
        repositories: [repository],
        incusProject: host.project,
        storagePool: host.storagePool,
        network: host.network,
      }),
    ],
    [`conf/pgbackrest.repo${repository}.conf`, drillConf(backup, drillEnv.cpu, drilled)],
    [`conf/secrets.repo${repository}.conf`, renderPgbackrestSecrets([repositorySecrets(escrow.secrets, repository)])],
    ...(drilled.caFile === undefined ? [] : [["conf/store-ca.crt", escrow.authority.certificate] as const]),
  ]);
}

/**
 * Shell text that unpacks `path base64` lines from its standard input into a folder in memory, for root alone, and runs
 * the drill there: nothing of the host's own configuration is read, and nothing stays. The figures are not the host's
 * metrics: a bad escrow is no bad backup.
 */
export function drillCommand(repository: number): string {
  return `set -eu
umask 077
folder=$(mktemp -d /run/restorable-escrow.XXXXXX)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' HUP INT TERM
while read -r path data; do
  case "$path" in */*) mkdir -p "$folder/\${path%/*}" ;; esac
  printf %s "$data" | base64 -d >"$folder/$path"
done
printf 'CONFIG_DIR=%s\\nMETRICS_DIR=%s\\n' "$folder/conf" "$folder/metrics" >>"$folder/drill.env"
bash "$folder/dr-drill.sh" --config "$folder/drill.env" --repo ${repository}`;
}

/**
 * Restores from a repository with what the escrow holds, and nothing else. The escrow is opened here: its identity
 * never leaves this machine, and the host gets the repository's keys for as long as the drill runs.
 *
 * @returns exit code of the drill: 0 passed, 1 failed, 2 could not verify
 */
export async function drillEscrow(site: Site, escrow: Escrow, repository: number, say: (text: string) => void) {
  const files = drillFiles(escrow, site.settings, repository);
  const input = [...files].map(([path, text]) => `${path} ${Buffer.from(text).toString("base64")}\n`).join("");
  const { project: _, ...connection } = connectionOf(site, site.settings.drill.host);
  const command = `bash -c ${quote(drillCommand(repository))}`;
  const { code } = await runOverSsh(connection, asRoot(connection.user, command), undefined, { input, onOutput: say });
  return code;
}
