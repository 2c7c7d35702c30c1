const blocks = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];
/** What neither pgBackRest nor a drill needs, and what would let a stolen key destroy backups or make other keys. */
const forbidden = ["deleteFiles", "deleteBuckets", "writeKeys", "deleteKeys", "bypassGovernance", "writeBuckets"];
const dynamic = "pulumi-nodejs:dynamic:Resource";

const bucketPolicies = [
  {
    name: "bucket-private",
    description: "A bucket of backups is private.",
    validateResource: ({ type, props }, report) => {
      if (type === dynamic && props.bucketType !== undefined && props.bucketType !== "allPrivate")
        report(`bucketType is ${props.bucketType}; it has to be allPrivate`);
      if (/^aws:s3\/bucketAcl/.test(type) && String(props.acl ?? "").startsWith("public"))
        report(`its ACL is ${props.acl}`);
      if (/^aws:s3\/bucketPublicAccessBlock:/.test(type))
        for (const name of blocks) if (props[name] !== true) report(`${name} is not true`);
      if (/^aws:s3\/bucketPolicy:/.test(type) && allowsAnybody(props.policy)) report("its policy allows everybody");
      if (/^cloudflare:index\/r2ManagedDomain:/.test(type) && props.enabled === true)
        report("its public r2.dev domain is on");
    },
  },
  {
    name: "bucket-blocked",
    description: "Each bucket on AWS has a block of public access.",
    validateStack: ({ resources }, report) => {
      const blocked = resources.filter(({ type }) => /^aws:s3\/bucketPublicAccessBlock:/.test(type)).length;
      const buckets = resources.filter(({ type }) => /^aws:s3\/bucket(V2)?:/.test(type));
      if (buckets.length > blocked)
        report(
          `${buckets.length} buckets (${buckets.map(({ name }) => name).join(", ")}) and ${blocked} access blocks`,
        );
    },
  },
  {
    name: "keys-restricted",
    description: "A key that the stack makes cannot destroy what is stored, nor make other keys.",
    validateResource: ({ type, props }, report) => {
      if (type !== dynamic || !Array.isArray(props.capabilities)) return;
      const found = props.capabilities.filter((name) => forbidden.includes(name));
      if (found.length > 0) report(`its capabilities include ${found.join(", ")}`);
    },
  },
];

/** True for a bucket policy with a statement that allows any principal without a condition. */
function allowsAnybody(text) {
  let policy = text;
  try {
    if (typeof text === "string") policy = JSON.parse(text);
  } catch {
    return false;
  }
  const statements = [policy?.Statement ?? []].flat();
  return statements.some(
    ({ Effect, Principal, Condition }) =>
      Effect === "Allow" && !Condition && (Principal === "*" || [Principal?.AWS ?? []].flat().includes("*")),
  );
}

module.exports = { bucketPolicies };
