// What a converge step's text or secrets say about pgBackRest's repositories.

/** Types of the steps that carry pgBackRest's configuration. */
const commandTypes = ["command:remote:Command", "command:local:Command"];

/**
 * Options of each repository that a text configures, by number: `repo1-cipher-type=aes-256-cbc` is
 * `{1: {"cipher-type": "aes-256-cbc"}}`. A text that holds no `repoN-` line gives nothing.
 * @param {unknown} text
 * @returns {Map<number, Record<string, string>>}
 */
function repositoriesIn(text) {
  const found = new Map();
  if (typeof text !== "string") return found;
  for (const [, number, key, value] of text.matchAll(/^[ \t']*repo(\d+)-([a-z0-9-]+)[ \t]*=[ \t]*(.*?)[ \t']*$/gm)) {
    const options = found.get(Number(number)) ?? {};
    options[key] = value;
    found.set(Number(number), options);
  }
  return found;
}

module.exports = { commandTypes, repositoriesIn };
