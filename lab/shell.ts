import { ExecaError, execa } from "execa";

export interface ShellOptions {
  input?: string;
  env?: Record<string, string>;
  cwd?: string;
  /** Called with each line of output. */
  onLine?: (line: string) => void;
  signal?: AbortSignal;
}

/** A command failed: its words, its exit code. */
export class CommandFailed extends Error {
  constructor(
    readonly command: string,
    readonly exitCode: number | undefined,
    readonly output: string,
  ) {
    super(
      `\`${command}\` failed${exitCode === undefined ? "" : ` (exit ${exitCode})`}:\n${output.trim().split("\n").slice(-12).join("\n")}`,
    );
  }
}

const sudo = process.getuid?.() === 0 ? [] : ["sudo", "-n"];

async function run(command: string[], options: ShellOptions): Promise<string> {
  const [file, ...args] = command as [string, ...string[]];
  const child = execa(file, args, {
    all: true,
    ...(options.input === undefined ? { stdin: "ignore" } : { input: options.input }),
    ...(options.env ? { env: options.env } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
    ...(options.signal ? { cancelSignal: options.signal } : {}),
  });
  if (options.onLine) {
    const report = options.onLine;
    (async () => {
      for await (const line of child.iterable({ from: "all" })) report(String(line));
    })().catch(() => {});
  }
  try {
    return (await child).stdout as string;
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    throw new CommandFailed(command.slice(0, 6).join(" "), error.exitCode, String(error.all ?? error.message));
  }
}

/** Runs a command as the one who called; gives its standard output. @throws CommandFailed */
export const shell = (command: string[], options: ShellOptions = {}) => run(command, options);

/** Runs a command as root, through sudo where needed. @throws CommandFailed */
export const asRoot = (command: string[], options: ShellOptions = {}) => run([...sudo, ...command], options);

/** Whether a command succeeds. */
export async function succeeds(command: string[]): Promise<boolean> {
  return asRoot(command).then(
    () => true,
    () => false,
  );
}
