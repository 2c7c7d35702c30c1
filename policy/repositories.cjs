const { commandTypes, repositoriesIn } = require("./pgbackrest.cjs");

/** Days of time retention, and full backups of count retention, below which a repository is refused. */
const floors = { days: 7, full: 2 };

/** A policy on each repository that a step configures. `check` gives what is wrong, or nothing. */
const onRepositories = (name, description, check) => ({
  name,
  description,
  validateResource: ({ type, props }, report) => {
    if (!commandTypes.includes(type)) return;
    for (const [number, options] of repositoriesIn(props.create)) {
      // Only a whole configuration has a type: a single line elsewhere says nothing about the rest.
      const wrong = options.type === undefined ? undefined : check(options);
      if (wrong) report(`repository ${number}: ${wrong}`);
    }
  },
});

const repositoryPolicies = [
  onRepositories("repository-encrypted", "A repository is encrypted before it leaves the node.", (options) =>
    options["cipher-type"] === "aes-256-cbc"
      ? undefined
      : `cipher-type is ${options["cipher-type"] ?? "not set"}; it has to be aes-256-cbc`,
  ),
  onRepositories("repository-tls", "The certificate of a repository's store is verified.", (options) => {
    if (options["storage-verify-tls"] === "n") return "storage-verify-tls=n: give the store's CA instead";
    return options["s3-endpoint"]?.startsWith("http:") ? "its endpoint is plain HTTP" : undefined;
  }),
  onRepositories("repository-retention", "A repository keeps enough to restore from.", (options) => {
    const kept = Number(options["retention-full"]);
    if (!Number.isFinite(kept)) return "retention-full is not set: nothing would ever expire, or everything";
    const unit = options["retention-full-type"] === "time" ? "days" : "full";
    if (kept >= floors[unit]) return undefined;
    return unit === "days"
      ? `${kept} days of retention; at least ${floors.days}`
      : `${kept} full backup${kept === 1 ? "" : "s"} kept; at least ${floors.full}`;
  }),
  {
    name: "repositories-apart",
    description: "Two repositories of a node do not stand on the same store.",
    validateResource: ({ type, props }, report) => {
      if (!commandTypes.includes(type)) return;
      const seen = new Map();
      for (const [number, options] of repositoriesIn(props.create)) {
        const endpoint = options["s3-endpoint"] && `${options["s3-endpoint"]} port ${options["storage-port"] ?? 443}`;
        if (!endpoint) continue;
        if (seen.has(endpoint)) report(`repositories ${seen.get(endpoint)} and ${number} share the store ${endpoint}`);
        else seen.set(endpoint, number);
      }
    },
  },
];

module.exports = { repositoryPolicies, floors };
