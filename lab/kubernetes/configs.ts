import { join } from "node:path";
import { stringify } from "yaml";
import { asRoot } from "../shell.js";
import { type Cluster, nodeName } from "./cluster.js";
import { pauseImage } from "./images.js";
import { pkiOf } from "./pki.js";

/** A file of the cluster's folder. */
export interface ConfigFile {
  name: string;
  text: string;
}

/** Where containerd listens. */
export const runtimeSocket = ({ run }: Cluster): string => join(run, "containerd.sock");

const kubeconfig = (cluster: Cluster, user: string, trust: object, credentials: object): string =>
  stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: cluster.name, cluster: { server: cluster.api, ...trust } }],
    users: [{ name: user, user: credentials }],
    contexts: [{ name: cluster.name, context: { cluster: cluster.name, user } }],
    "current-context": cluster.name,
  });

/** Access for a program of the node, with its certificate in a file. */
function nodeKubeconfig(cluster: Cluster, user: string): string {
  const file = (name: string) => join(pkiOf(cluster), name);
  return kubeconfig(
    cluster,
    user,
    { "certificate-authority": file("ca.crt") },
    { "client-certificate": file(`${user}.crt`), "client-key": file(`${user}.key`) },
  );
}

/** The administrator's access, all in one file. */
export async function adminKubeconfig(cluster: Cluster): Promise<string> {
  const data = async (name: string) =>
    Buffer.from(`${await asRoot(["cat", join(pkiOf(cluster), name)])}\n`).toString("base64");
  return kubeconfig(
    cluster,
    "admin",
    { "certificate-authority-data": await data("ca.crt") },
    { "client-certificate-data": await data("admin.crt"), "client-key-data": await data("admin.key") },
  );
}

const containerd = (cluster: Cluster, tools: string): string => `version = 2
root = "${cluster.directory}/data/containerd"
state = "${cluster.run}/containerd"
oom_score = 0
[grpc]
  address = "${runtimeSocket(cluster)}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  # Without this a sandbox does not start where the machine's own score is bounded.
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${tools}/usr/lib/cni"
    conf_dir = "${cluster.directory}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`;

/** The bridge of node and pods. Packets to elsewhere keep their address: the machine knows the way back. */
export const bridge = "pods";

const network = ({ subnet, directory }: Cluster): string =>
  JSON.stringify({
    cniVersion: "0.4.0",
    name: "lab",
    plugins: [
      {
        type: "bridge",
        bridge,
        isGateway: true,
        ipMasq: false,
        hairpinMode: true,
        ipam: {
          type: "host-local",
          ranges: [[{ subnet: `${subnet}.0/24`, rangeStart: `${subnet}.10`, rangeEnd: `${subnet}.250` }]],
          routes: [{ dst: "0.0.0.0/0" }],
          dataDir: join(directory, "data", "addresses"),
        },
      },
    ],
  });

const never = { "memory.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%" };

const kubelet = (cluster: Cluster): string => {
  const { node, directory } = cluster;
  const pki = pkiOf(cluster);
  return stringify({
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    address: node,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: false },
      x509: { clientCAFile: join(pki, "ca.crt") },
    },
    authorization: { mode: "AlwaysAllow" },
    tlsCertFile: join(pki, "kubelet-server.crt"),
    tlsPrivateKeyFile: join(pki, "kubelet-server.key"),
    healthzBindAddress: "127.0.0.1",
    containerRuntimeEndpoint: `unix://${runtimeSocket(cluster)}`,
    cgroupDriver: "cgroupfs",
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    oomScoreAdj: 0,
    // A full disk of the machine is the machine's business: the lab's pods stay.
    evictionHard: { ...never, "imagefs.available": "0%", "imagefs.inodesFree": "0%" },
    imageGCHighThresholdPercent: 100,
    makeIPTablesUtilChains: false,
    localStorageCapacityIsolation: false,
    resolvConf: "/etc/resolv.conf",
    podLogsDir: join(directory, "data", "pod-logs"),
    volumePluginDir: join(directory, "data", "volume-plugins"),
    clusterDomain: "cluster.local",
    clusterDNS: [node],
  });
};

const proxy = (cluster: Cluster): string =>
  stringify({
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    bindAddress: cluster.node,
    healthzBindAddress: "127.0.0.1:10256",
    metricsBindAddress: "127.0.0.1:10249",
    clusterCIDR: `${cluster.subnet}.0/24`,
    // Answers between two pods of one bridge come back by the node as well, with or without the module br_netfilter.
    nftables: { masqueradeAll: true },
    clientConnection: { kubeconfig: join(cluster.directory, "proxy.kubeconfig") },
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
    hostnameOverride: nodeName,
  });

/** Names outside the cluster are the machine's own to resolve, where the node can reach its resolver. */
function names(cluster: Cluster, resolvers: string[]): string {
  const reachable = resolvers.filter((address) => !address.startsWith("127."));
  return `.:53 {
  bind ${cluster.node}
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${cluster.kubeconfig}
    pods insecure
  }
${reachable.length > 0 ? `  forward . ${reachable.join(" ")}\n` : ""}  cache 5
}
`;
}

/**
 * The settings of the cluster's programs.
 *
 * @param tools folder that holds Debian's programs
 * @param resolvers the machine's name servers
 */
export const configFiles = (cluster: Cluster, tools: string, resolvers: string[]): ConfigFile[] => [
  ...["controller-manager", "scheduler", "proxy", "kubelet"].map((user) => ({
    name: `${user}.kubeconfig`,
    text: nodeKubeconfig(cluster, user),
  })),
  { name: "containerd.toml", text: containerd(cluster, tools) },
  { name: "cni/10-lab.conflist", text: network(cluster) },
  { name: "kubelet.yaml", text: kubelet(cluster) },
  { name: "proxy.yaml", text: proxy(cluster) },
  { name: "Corefile", text: names(cluster, resolvers) },
];
