import { join } from "node:path";
import { asRoot, type ShellOptions } from "../shell.js";
import type { Cluster } from "./cluster.js";
import { bridge } from "./configs.js";
import type { Program } from "./programs.js";

/**
 * First process of the node's namespaces (processes, mounts, network): what the cluster starts lives in them, and is
 * gone with it. Folders that Kubernetes writes to whatever its settings say are the node's own. Limits of the kernel
 * that the kubelet would raise for the whole machine read as raised already.
 */
const init = `set -eu
own=$1 run=$2
stat=$(<"/proc/self/stat")
set -- \${stat##*) }
start=\${20}
pid=\${stat%% *}
mount -t proc proc /proc
# What is mounted here stays busy, whatever is done to it outside.
awk '$2 ~ "^(/var/lib/incus|/tmp)/" { print $2 }' /proc/mounts | sort -r | while read -r busy; do umount -l "$busy"; done
for folder in /run/netns /run/containerd /var/lib/cni /var/lib/kubelet /var/log/containers /usr/libexec/kubernetes; do
  mkdir -p "$folder" "$own/node$folder"
  mount --bind "$own/node$folder" "$folder"
done
for limit in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \\
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  file="$own/node/\${limit%%=*}"
  mkdir -p "\${file%/*}"
  echo "\${limit#*=}" >"$file"
  mount --bind "$file" "/proc/sys/\${limit%%=*}"
done
ip link set lo up
echo "$pid $start" >"$run/node.new"
mv "$run/node.new" "$run/node"
trap 'exit 0' TERM
while :; do sleep infinity & wait; done
`;

/** `node`: number and start of the first process, if it still is that process. */
const alive = `alive() {
  local start stat
  read -r node start <"$run/node" 2>/dev/null || return 1
  stat=$(cat "/proc/$node/stat" 2>/dev/null) || return 1
  set -- \${stat##*) }
  [ "\${20}" = "$start" ]
}
`;

const start = `set -eu
own=$1 run=$2 init=$3 cable=$4 machine=$5 node_address=$6 bridge=$7
${alive}
if ! alive; then
  mkdir -p -m 0700 "$run"
  rm -rf "$run"/* "$own/node"
  ip link delete "$cable" 2>/dev/null || true
  setsid unshare --fork --pid --net --mount --propagation private -- bash -c "$init" node "$own" "$run" \\
    </dev/null >"$own/logs/node.log" 2>&1 &
  for _ in $(seq 100); do [ -e "$run/node" ] && break; sleep 0.1; done
  alive || { echo "the node's namespaces cannot be made: $(cat "$own/logs/node.log")" >&2; exit 1; }
fi
inside() { nsenter --target "$node" --net -- "$@"; }
if ! inside ip link show "$bridge" >/dev/null 2>&1; then
  inside ip link add "$bridge" type bridge
  # Else it is the lowest of its pods', and changes as they come and go: packets to the one before are lost.
  inside ip link set "$bridge" address 02:00:00:00:00:01
  inside ip address add "$node_address/24" dev "$bridge"
  inside ip link set "$bridge" up
  inside sysctl -qw net.ipv4.ip_forward=1
fi
if ! ip link show "$cable" >/dev/null 2>&1; then
  ip link add "$cable" type veth peer name machine netns "$node"
  inside ip link set machine master "$bridge" up
  ip address add "$machine/24" dev "$cable"
  ip link set "$cable" up
fi
inside ip route replace default via "$machine"
`;

/** Starts the node's namespaces and their network where they are not there. */
export const startNode = ({ directory, run, cable, machine, node }: Cluster): Promise<string> =>
  asRoot(["bash", "-c", start, "start", directory, run, init, cable, machine, node, bridge]);

const enter = `set -eu
run=$1; shift
${alive}
alive || { echo "the node does not run" >&2; exit 1; }
exec nsenter --target "$node" --net --mount --pid -- "$@"
`;

/** Runs a command on the node. */
export const onNode = ({ run }: Cluster, command: string[], options: ShellOptions = {}): Promise<string> =>
  asRoot(["bash", "-c", enter, "enter", run, ...command], options);

const launch = `set -eu
run=$1 name=$2 log=$3 path=$4; shift 4
runs() {
  local pid start stat
  read -r pid start <"$run/$name.pid" 2>/dev/null || return 1
  stat=$(cat "/proc/$pid/stat" 2>/dev/null) || return 1
  set -- \${stat##*) }
  [ "\${20}" = "$start" ] && [ "$1" != Z ]
}
runs && { echo running; exit 0; }
setsid bash -c 'file=$1 PATH=$2; shift 2; stat=$(</proc/$$/stat); set -- "$@"; rest=(\${stat##*) }); echo "$$ \${rest[19]}" >"$file"; exec "$@"' \\
  launch "$run/$name.pid" "$path:$PATH" "$@" </dev/null >>"$log" 2>&1 &
for _ in $(seq 50); do runs && { echo started; exit 0; }; sleep 0.1; done
echo "$name does not run: $(tail -n 5 "$log")" >&2
exit 1
`;

/** Starts a program on the node where it does not run; says whether it had to. */
export async function launchOnNode(cluster: Cluster, { name, command }: Program, path: string[]): Promise<boolean> {
  const log = join(cluster.directory, "logs", `${name}.log`);
  const said = await onNode(cluster, [
    "bash",
    "-c",
    launch,
    "launch",
    cluster.run,
    name,
    log,
    path.join(":"),
    ...command,
  ]);
  return said === "started";
}

const stop = `set -eu
own=$1 run=$2 cable=$3
${alive}
alive && kill -KILL "$node"
# With its first process the kernel ends all that are in the namespaces, pods as well.
for _ in $(seq 300); do alive || break; sleep 0.1; done
! alive || { echo "process $node of the node does not end" >&2; exit 1; }
for _ in $(seq 50); do ip link delete "$cable" 2>/dev/null || true; ip link show "$cable" >/dev/null 2>&1 || break; sleep 0.1; done
for group in /sys/fs/cgroup/k8s.io /sys/fs/cgroup/*/k8s.io; do
  # Those of another cluster are in use: they stay.
  [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
done
for _ in $(seq 50); do rm -rf "$own" 2>/dev/null && break; sleep 0.2; done
rm -rf "$own" "$run"
set -- /run/restorable-kubernetes-*/node
[ -e "$1" ] || rmdir /usr/libexec/kubernetes /var/log/containers /var/lib/kubelet /var/lib/cni /run/containerd 2>/dev/null || true
`;

/** Ends the node with all that runs on it, and removes the cluster's folders. */
export const removeNode = ({ directory, run, cable }: Cluster): Promise<string> =>
  asRoot(["bash", "-c", stop, "stop", directory, run, cable]);
