import { join } from "node:path";
import type { Binaries } from "./binaries.js";
import { type Cluster, nodeName } from "./cluster.js";
import { runtimeSocket } from "./configs.js";
import { pkiOf } from "./pki.js";

/** A program of the cluster that keeps running. */
export interface Program {
  name: string;
  command: string[];
}

const etcd = "http://127.0.0.1:2379";

/** The cluster's programs in the order of their start. */
export function programs(cluster: Cluster, { kubernetes, coredns, tools }: Binaries): Record<string, Program> {
  const { directory, node, services } = cluster;
  const own = (name: string) => join(directory, name);
  const pki = (name: string) => join(pkiOf(cluster), name);
  const kube = (name: string) => join(kubernetes, name);
  const list: Program[] = [
    { name: "containerd", command: [join(tools, "usr/bin/containerd"), "-c", own("containerd.toml")] },
    {
      name: "etcd",
      command: [
        join(tools, "usr/bin/etcd"),
        ...["--name=lab", `--data-dir=${own("data/etcd")}`, "--unsafe-no-fsync"],
        ...[`--listen-client-urls=${etcd}`, `--advertise-client-urls=${etcd}`],
        "--listen-peer-urls=http://127.0.0.1:2380",
      ],
    },
    {
      name: "kube-apiserver",
      command: [
        kube("kube-apiserver"),
        ...[`--etcd-servers=${etcd}`, `--bind-address=${node}`, `--advertise-address=${node}`, "--secure-port=6443"],
        ...[`--service-cluster-ip-range=${services}.0/24`, `--client-ca-file=${pki("ca.crt")}`],
        ...[`--tls-cert-file=${pki("apiserver.crt")}`, `--tls-private-key-file=${pki("apiserver.key")}`],
        "--service-account-issuer=https://kubernetes.default.svc",
        `--service-account-key-file=${pki("accounts.pub")}`,
        `--service-account-signing-key-file=${pki("accounts.key")}`,
        ...["--authorization-mode=Node,RBAC", "--allow-privileged=true", `--cert-dir=${own("data/apiserver")}`],
        `--kubelet-certificate-authority=${pki("ca.crt")}`,
        ...[`--kubelet-client-certificate=${pki("admin.crt")}`, `--kubelet-client-key=${pki("admin.key")}`],
        "--kubelet-preferred-address-types=InternalIP",
      ],
    },
    {
      name: "kube-controller-manager",
      command: [
        kube("kube-controller-manager"),
        ...controllerAccess(own("controller-manager.kubeconfig")),
        ...["--use-service-account-credentials", `--root-ca-file=${pki("ca.crt")}`],
        `--service-account-private-key-file=${pki("accounts.key")}`,
      ],
    },
    {
      name: "kube-scheduler",
      command: [kube("kube-scheduler"), ...controllerAccess(own("scheduler.kubeconfig"))],
    },
    {
      name: "kubelet",
      command: [
        kube("kubelet"),
        ...[`--config=${own("kubelet.yaml")}`, `--kubeconfig=${own("kubelet.kubeconfig")}`],
        ...[`--hostname-override=${nodeName}`, `--node-ip=${node}`],
        ...[`--root-dir=${own("data/kubelet")}`, `--cert-dir=${own("data/kubelet/pki")}`],
      ],
    },
    { name: "kube-proxy", command: [kube("kube-proxy"), `--config=${own("proxy.yaml")}`] },
    { name: "coredns", command: [coredns, "-conf", own("Corefile")] },
  ];
  return Object.fromEntries(list.map((program) => [program.name, program]));
}

const controllerAccess = (kubeconfig: string) => [
  ...[`--kubeconfig=${kubeconfig}`, `--authentication-kubeconfig=${kubeconfig}`],
  ...["--bind-address=127.0.0.1", "--leader-elect=false"],
];

/** `ctr`, on the cluster's own containerd and in Kubernetes' namespace. */
export const ctr = (cluster: Cluster, { tools }: Binaries): string[] => [
  ...[join(tools, "usr/bin/ctr"), "--address", runtimeSocket(cluster), "--namespace", "k8s.io"],
];
