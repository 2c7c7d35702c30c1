import { StringDecoder } from "node:string_decoder";

const LOGGED = { stdout: ["stdout"], stderr: ["stderr"], none: [] };

/**
 * Collects what a command writes: each stream for the outputs, both interleaved for an error, and the lines of
 * the streams that `logging` names (both by default) to `onLine` as they come.
 * @param {string | undefined} logging
 * @param {(line: string) => Promise<void>} onLine
 */
export function capture(logging, onLine) {
  const chunks = { stdout: [], stderr: [], both: [] };
  const logged = LOGGED[logging] ?? ["stdout", "stderr"];
  const decoder = new StringDecoder("utf8");
  let rest = "";
  let shown = Promise.resolve();
  const show = (line) => {
    if (line !== "") shown = shown.then(() => onLine(line));
  };
  const text = (stream) => Buffer.concat(chunks[stream]).toString("utf8");

  return {
    /** @param {"stdout" | "stderr"} stream @param {Buffer} chunk */
    write(stream, chunk) {
      chunks[stream].push(chunk);
      chunks.both.push(chunk);
      if (!logged.includes(stream)) return;
      const lines = (rest + decoder.write(chunk)).split(/\r?\n/);
      rest = lines.pop() ?? "";
      for (const line of lines) show(line);
    },
    /** Everything written so far, once the last line has been shown. */
    async finish() {
      show(rest);
      await shown;
      const output = (stream) => text(stream).replace(/\n$/, "");
      return { stdout: output("stdout"), stderr: output("stderr"), both: text("both") };
    },
  };
}
