import * as pulumi from "@pulumi/pulumi";

/** One thing that is wrong with the settings. */
export interface Problem {
  /** Keys and indexes from the top, for example `["formation", "nodes", 1, "address"]`. */
  path: PropertyKey[];
  message: string;
}

export const namespace = "restorable";

/** A path as Pulumi writes it: `restorable:formation.nodes[1].address`. */
export function keyOf(path: readonly PropertyKey[]): string {
  const name = path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index > 0 ? "." : ""}${String(part)}`))
    .join("");
  return `${namespace}:${name}`;
}

/** All that is wrong with a stack's settings, as Pulumi prints it: without a stack trace. */
export class SettingsError extends pulumi.RunError {
  readonly problems: readonly Problem[];
  /** Keys of the problems, each once, as in `restorable:backup.stanza`. */
  readonly keys: readonly string[];

  constructor(problems: readonly Problem[], stack?: string) {
    const lines = problems.map(({ path, message }) => `  ${keyOf(path)}: ${message}`);
    const where = stack ? ` of stack ${stack} (Pulumi.${stack}.yaml)` : "";
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super(`${count} in the settings${where}; nothing was touched.\n${lines.join("\n")}`);
    this.name = "SettingsError";
    this.problems = problems;
    this.keys = [...new Set(problems.map(({ path }) => keyOf(path)))];
  }
}
