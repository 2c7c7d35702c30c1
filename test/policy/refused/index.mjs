import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

const conf = "repo1-type=s3\nrepo1-s3-endpoint=10.0.0.1\nrepo1-cipher-type=none\nrepo1-retention-full=4";
new remote.Command("node", {
  connection: { host: "127.0.0.1", privateKey: "none", hostKey: "ssh-ed25519 AAAA" },
  create: `step 'CONF=[global]\n${conf}\n'`,
  stdin: pulumi.secret("SECRETS_CONF='[global]\nrepo1-cipher-pass=changeme-hush\n'\n"),
});
