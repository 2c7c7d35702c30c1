// What no stack may do, whatever its settings say: `pulumi preview --policy-pack policy`.
const { PolicyPack } = require("@pulumi/policy");
const { bucketPolicies } = require("./buckets.cjs");
const { commandPolicies } = require("./commands.cjs");
const { repositoryPolicies } = require("./repositories.cjs");

new PolicyPack("restorable", {
  enforcementLevel: "mandatory",
  policies: [...commandPolicies, ...repositoryPolicies, ...bucketPolicies],
});
