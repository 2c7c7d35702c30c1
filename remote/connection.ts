/** How a host is reached over SSH. The private key is a secret: wrap it before it enters a resource. */
export interface Connection {
  host: string;
  port: number;
  user: string;
  /** PEM or OpenSSH private key. */
  privateKey: string;
  /** The host's public key as in an `authorized_keys` line, `ssh-ed25519 AAAA...`: always checked. */
  hostKey: string;
}
