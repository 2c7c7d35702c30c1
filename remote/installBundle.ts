import type { Bundle } from "./bundle.js";
import { quote } from "./quote.js";

/** Folder (a link to the current version) of a stack's scripts on a host. */
export function toolsRoot(stack: string): string {
  return `/usr/local/lib/restorable/${stack}`;
}

export interface InstallArgs {
  bundle: Bundle;
  stack: string;
  host: string;
  /** Incus project that must be there; absent where no Incus is needed. */
  project?: string | undefined;
  generation: number;
}

/**
 * Shell text that installs the bundle from its standard input (`path base64` lines) beside the version in use, then
 * swaps the link: a run that is cut off leaves the old version working.
 */
export function installBundle({ bundle, stack, host, project, generation }: InstallArgs): string {
  const root = toolsRoot(stack);
  const state = `/var/lib/restorable/${stack}`;
  const noIncus = `restorable: host ${host}: no incus client on this host: install Incus first`;
  const noProject = `restorable: host ${host}: Incus project ${project} is not there, or the daemon does not answer: see \`incus project list\` on the host`;
  const incus =
    project === undefined
      ? ""
      : `command -v incus >/dev/null || { echo ${quote(noIncus)} >&2; exit 1; }
incus project show ${quote(project)} >/dev/null 2>&1 || { echo ${quote(noProject)} >&2; exit 1; }
`;
  return `set -eu
umask 022
${incus}new=${root}.${bundle.hash}
rm -rf "$new"
mkdir -p "$new"
while read -r path data; do
  case "$path" in */*) mkdir -p "$new/\${path%/*}" ;; esac
  printf %s "$data" | base64 -d >"$new/$path"
  chmod 0755 "$new/$path"
done
printf '%s\\n' ${quote(`STACK=${quote(stack)} HOST_NAME=${quote(host)}`)} >"$new/bundle.env"
ln -sfn "$new" ${root}.link
mv -Tf ${root}.link ${root}
for old in ${root}.*; do [ "$old" = "$new" ] || rm -rf "$old"; done
mkdir -p ${state}/steps/host
chmod 0700 ${state}
printf 'generation=${generation}\\nuuid=\\ncode=${bundle.hash}\\n' >${state}/steps/host/tools
`;
}

/** Shell text that takes the scripts and records of a stack off a host. */
export function removeBundle(stack: string): string {
  const root = toolsRoot(stack);
  return `rm -rf ${root} ${root}.* /var/lib/restorable/${stack} /run/restorable/${stack}.*
rmdir --ignore-fail-on-non-empty /var/lib/restorable /usr/local/lib/restorable /run/restorable 2>/dev/null || :
`;
}
