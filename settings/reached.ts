import { z } from "zod";
import { integer, ipv4Address, localPath, text } from "./fields.js";

/** How a host is reached over SSH: keys of every list of hosts. */
export const reached = {
  address: ipv4Address().describe("Address that SSH connects to."),
  port: integer(1, 65535).default(22).describe("Port of the SSH server."),
  user: text(/^[a-z_][a-z0-9_-]{0,31}$/, "a Unix user name")
    .default("root")
    .describe("Login user: root, or one that may use sudo without a password."),
  hostKey: z
    .exactOptional(
      text(
        /^(?:ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa) [A-Za-z0-9+/]{40,}={0,3}(?: [^\n\r]*)?$/,
        "the host's public key on one line, such as ssh-ed25519 AAAA... (ssh-keyscan -t ed25519 ADDRESS, compared with the host's own file)",
      ),
    )
    .describe("Public SSH key of the host, checked on every connection. Either this or `hostKeyFile`."),
  hostKeyFile: z.exactOptional(localPath()).describe("File with the host's public key, relative to Pulumi.yaml."),
};
