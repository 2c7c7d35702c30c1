// What a person reads first of a long run: which tests failed, and in a few lines why.
const lineLimit = 220;
const linesPerFailure = 8;
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours of the terminal
const colours = /\u001b\[[0-9;]*m/g;
const telling = /error|fail|refused|restorable:|expected|received|not within|cannot|missing/i;

/** The telling lines of a failure's message: the first one, and the last few that name a fault. */
export function digest(message) {
  const lines = message
    .replace(colours, "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("at ") && !line.startsWith("❯"));
  const [first = "", ...others] = lines;
  const named = others.filter((line) => telling.test(line) && !line.includes("warning:"));
  return [first, ...named.slice(-(linesPerFailure - 1))].map((line) => line.slice(0, lineLimit));
}

/** Lines about the failed tests of a vitest report, and the slowest files. */
export function digestReport({ testResults }, root) {
  const lines = [];
  for (const { name, message, assertionResults } of testResults) {
    const file = name.replace(`${root}/`, "");
    const failed = assertionResults.filter(({ status }) => status === "failed");
    for (const { title, ancestorTitles, failureMessages } of failed)
      lines.push(
        `FAILED ${file}: ${[...ancestorTitles, title].join(" > ")}`,
        ...digest(failureMessages.join("\n")).map((line) => `    ${line}`),
      );
    if (failed.length === 0 && message)
      lines.push(`FAILED ${file}, before its tests`, ...digest(message).map((line) => `    ${line}`));
  }
  return lines;
}

/** How long each file took, slowest first, seconds. */
export const fileTimes = ({ testResults }, root) =>
  testResults
    .map(({ name, startTime, endTime }) => [name.replace(`${root}/`, ""), (endTime - startTime) / 1000])
    .sort(([, a], [, b]) => b - a);
