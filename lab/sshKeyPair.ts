import ssh2 from "ssh2";

/** Private key in OpenSSH form, and the public one as an `authorized_keys` line. */
export interface SshKeyPair {
  private: string;
  public: string;
}

/** A new ed25519 key pair. About one in 500 that ssh2 1.17 makes cannot be read back, by nobody: these are made anew. */
export function sshKeyPair(comment: string): SshKeyPair {
  for (let attempt = 0; attempt < 20; attempt++) {
    const pair = ssh2.utils.generateKeyPairSync("ed25519", { comment });
    const readable = [pair.private, pair.public].every((key) => !(ssh2.utils.parseKey(key) instanceof Error));
    if (readable) return pair;
  }
  throw new Error("no readable SSH key could be made in 20 attempts");
}
