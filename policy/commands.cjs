const { commandTypes, repositoriesIn } = require("./pgbackrest.cjs");

const secretOptions = ["cipher-pass", "s3-key", "s3-key-secret"];
const placeholder = /change[-_. ]?me|^\W*place[-_ ]?holder|^<[^<>]*>$|^(.)\1*$|EXAMPLE(?:KEY)?$/i;

const commandPolicies = [
  {
    name: "host-key-checked",
    description: "A step checks the host's SSH key.",
    validateResource: ({ type, props }, report) => {
      if (!type.startsWith("command:remote:")) return;
      if (!props.connection?.hostKey) report("connection.hostKey is not set: anybody could answer");
    },
  },
  {
    name: "secrets-on-stdin",
    description: "pgBackRest's secrets never stand in a command.",
    validateResource: ({ type, props }, report) => {
      if (!commandTypes.includes(type)) return;
      for (const text of [props.create, props.update, props.delete])
        for (const [number, options] of repositoriesIn(text))
          for (const key of secretOptions)
            if (options[key] !== undefined)
              report(`repo${number}-${key} stands in the command's text: it goes to stdin`);
    },
  },
  {
    name: "secrets-real",
    description: "No passphrase or key is a placeholder, and a passphrase is long.",
    validateResource: ({ type, props }, report) => {
      if (!commandTypes.includes(type)) return;
      for (const [number, options] of repositoriesIn(props.stdin))
        for (const key of secretOptions) {
          const value = options[key];
          if (value === undefined) continue;
          if (value === "" || placeholder.test(value)) report(`repo${number}-${key} is empty or a placeholder`);
          else if (key === "cipher-pass" && value.length < 20) report(`repo${number}-${key} is shorter than 20`);
        }
    },
  },
];

module.exports = { commandPolicies };
