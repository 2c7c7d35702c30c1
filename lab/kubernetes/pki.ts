import { existsSync } from "node:fs";
import { join } from "node:path";
import { asRoot } from "../shell.js";
import { type Cluster, nodeName } from "./cluster.js";

interface Certificate {
  name: string;
  /** Who it is for, as the API server reads it. */
  subject: string;
  /** Addresses and names of a server. */
  names?: string;
}

const certificates = ({ node, services }: Cluster): Certificate[] => [
  {
    name: "apiserver",
    subject: "/CN=kube-apiserver",
    names: `IP:${node},IP:127.0.0.1,IP:${services}.1,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:localhost`,
  },
  { name: "kubelet-server", subject: `/CN=${nodeName}`, names: `IP:${node},DNS:${nodeName}` },
  { name: "admin", subject: "/O=system:masters/CN=admin" },
  { name: "controller-manager", subject: "/CN=system:kube-controller-manager" },
  { name: "scheduler", subject: "/CN=system:kube-scheduler" },
  { name: "proxy", subject: "/CN=system:kube-proxy" },
  { name: "kubelet", subject: `/O=system:nodes/CN=system:node:${nodeName}` },
];

/** Where keys and certificates lie; readable by root only. */
export const pkiOf = ({ directory }: Cluster): string => join(directory, "pki");

const script = `set -eu
umask 077
mkdir -p "$1"; cd "$1"; shift
key='ec -pkeyopt ec_paramgen_curve:P-256'
openssl req -x509 -newkey $key -nodes -days 365 -subj /CN=restorable-lab -keyout ca.key -out ca.crt
while [ $# -gt 0 ]; do
  openssl req -newkey $key -nodes -subj "$2" -keyout "$1.key" -out "$1.csr"
  printf 'extendedKeyUsage=clientAuth,serverAuth\\n%s\\n' "\${3:+subjectAltName=$3}" >"$1.ext"
  openssl x509 -req -days 365 -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -extfile "$1.ext" -out "$1.crt"
  shift 3
done
openssl genrsa -out accounts.key 2048
openssl rsa -in accounts.key -pubout -out accounts.pub
touch complete
`;

/** Makes the cluster's authority and certificates, once. */
export async function makePki(cluster: Cluster): Promise<void> {
  const directory = pkiOf(cluster);
  if (existsSync(join(directory, "complete"))) return;
  const args = certificates(cluster).flatMap(({ name, subject, names }) => [name, subject, names ?? ""]);
  await asRoot(["bash", "-c", script, "pki", directory, ...args]);
}
