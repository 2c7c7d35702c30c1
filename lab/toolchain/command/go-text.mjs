/** Texts of the official plugin, which is written in Go. */

const ESCAPES = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  '"': '\\"',
  "\\": "\\\\",
};

/** A string quoted as Go's `%q` does. */
export const goQuote = (text) =>
  `"${text.replace(/["\\]|\p{C}|(?! )\p{Z}/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    const hex = (width) => code.toString(16).padStart(width, "0");
    return ESCAPES[char] ?? (code < 0x80 ? `\\x${hex(2)}` : code < 0x10000 ? `\\u${hex(4)}` : `\\U${hex(8)}`);
  })}"`;

/** Signal numbers that count into the exit status of a remote command. */
const SIGNALS = { ABRT: 6, ALRM: 14, FPE: 8, HUP: 1, ILL: 4, INT: 2, KILL: 9, PIPE: 13, QUIT: 3, SEGV: 11, TERM: 15 };

/**
 * How a remote command ended, in words; undefined when it ended well.
 * @param {{ code?: number | null, signal?: string, reason?: string }} exit signal without `SIG`
 */
export function remoteFailure({ code, signal, reason }) {
  if (signal) {
    const why = reason ? `. Reason was: ${reason}` : "";
    return `Process exited with status ${128 + (SIGNALS[signal] ?? 0)} from signal ${signal}${why}`;
  }
  if (code === undefined || code === null) return "wait: remote command exited without exit status or exit signal";
  return code === 0 ? undefined : `Process exited with status ${code}`;
}

const LOCAL_SIGNALS = {
  SIGABRT: "aborted",
  SIGALRM: "alarm clock",
  SIGBUS: "bus error",
  SIGFPE: "floating point exception",
  SIGHUP: "hangup",
  SIGILL: "illegal instruction",
  SIGINT: "interrupt",
  SIGKILL: "killed",
  SIGPIPE: "broken pipe",
  SIGQUIT: "quit",
  SIGSEGV: "segmentation fault",
  SIGTERM: "terminated",
  SIGTRAP: "trace/breakpoint trap",
};

/** How a local command ended, in words; undefined when it ended well. */
export function localFailure(code, signal) {
  if (signal) return `signal: ${LOCAL_SIGNALS[signal] ?? signal}`;
  return code === 0 ? undefined : `exit status ${code}`;
}

/** The error of a command that failed: how it ended, the command, all that it wrote in the order it wrote it. */
export const commandError = (failure, command, written) =>
  new Error(`${failure}: running ${goQuote(command)}:\n${written}`);
