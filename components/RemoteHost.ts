import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { asRoot } from "../remote/asRoot.js";
import { type Bundle, packBundle, stepHash } from "../remote/bundle.js";
import type { Connection } from "../remote/connection.js";
import type { Convergence } from "../remote/convergence.js";
import { installBundle, removeBundle, toolsRoot } from "../remote/installBundle.js";
import { assignments, quote } from "../remote/quote.js";

export interface RemoteHostArgs {
  connection: Connection;
  /** Name of the stack on the host: parts its scripts and records from those of other stacks. */
  stack: string;
  bundle: Bundle;
  convergence: Convergence;
}

export interface StepArgs {
  /** File under scripts/converge, without `.sh`. */
  script: string;
  /** Container the step runs in; on the host when absent. */
  container?: string;
  /** What the step is recorded under when it runs on the host on behalf of something, a container's name mostly. */
  target?: string;
  /** The step makes this container and is repeated when it is not running. */
  makes?: string;
  /** Plain settings: they stand in the command, so that a preview shows what changes. */
  settings?: Record<string, pulumi.Input<string | number | boolean>>;
  /** Secret settings: on standard input only. */
  secrets?: Record<string, pulumi.Input<string>>;
  /** Files or folders of `scripts/` that the step needs in the container. */
  files?: string[];
  /** Script that undoes the step when the resource is deleted, with the settings that it needs. */
  undo?: { script: string; settings: Record<string, string | number | boolean> };
}

/** A host reached over SSH, with our scripts on it: what every converge step of the stack runs through. */
export class RemoteHost extends pulumi.ComponentResource {
  readonly hostName: string;
  protected readonly convergence: Convergence;
  readonly #args: RemoteHostArgs;
  readonly #project: string | undefined;
  readonly #tools: remote.Command;

  /** @param incus Incus project of the stack's containers, and the type of the component that has one */
  constructor(
    name: string,
    args: RemoteHostArgs,
    opts?: pulumi.ComponentResourceOptions,
    incus?: { type: string; project: string },
  ) {
    super(incus?.type ?? "restorable:index:RemoteHost", name, {}, opts);
    this.hostName = name;
    this.convergence = args.convergence;
    this.#args = args;
    this.#project = incus?.project;
    const { bundle, stack } = args;
    const generation = args.convergence.generation(name, "host", "tools");
    this.#tools = new remote.Command(
      `${name}-tools`,
      {
        connection: this.#connection(),
        create: this.#asRoot(installBundle({ bundle, stack, host: name, project: this.#project, generation })),
        delete: this.#asRoot(removeBundle(stack)),
        // Secret only so that a preview does not print the scripts; their hash is in the command.
        stdin: pulumi.secret(packBundle(bundle)),
        addPreviousOutputInEnv: false,
      },
      { parent: this },
    );
    this.registerOutputs({});
  }

  /** Registers one idempotent step on this host, or in one of its containers. Its standard output is the result. */
  step(name: string, args: StepArgs, opts: pulumi.CustomResourceOptions): remote.Command {
    const { stack, bundle, convergence } = this.#args;
    const project = this.#project === undefined ? "" : ` --project ${quote(this.#project)}`;
    const target = args.target ?? args.container ?? "host";
    const generation = convergence.generation(this.hostName, target, args.script, args.makes);
    const line = (script: string, generated: string[], settings: Record<string, string | number | boolean>) =>
      [
        `${toolsRoot(stack)}/step ${script}${project} --as ${quote(target)}`,
        ...generated,
        ...Object.entries(settings).map(([key, value]) => quote(`${key}=${value}`)),
      ].join(" \\\n  ");
    const code = stepHash(bundle, args.script, args.files);
    const common = [...(args.container ? [`--container ${quote(args.container)}`] : [])];
    const settings = pulumi.output(args.settings ?? {});
    const create = settings.apply((values) =>
      this.#asRoot(
        line(
          args.script,
          [
            ...common,
            ...(args.files ? [`--files ${quote(args.files.join(" "))}`] : []),
            `--generation ${generation} --code ${code}`,
          ],
          values,
        ),
      ),
    );
    const undo = args.undo;
    return new remote.Command(
      name,
      {
        connection: this.#connection(),
        create,
        ...(undo ? { delete: this.#asRoot(line(undo.script, common, undo.settings)) } : {}),
        ...(args.secrets ? { stdin: pulumi.secret(pulumi.output(args.secrets).apply(assignments)) } : {}),
        logging: remote.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      pulumi.mergeOptions({ dependsOn: [this.#tools] }, opts),
    );
  }

  #connection() {
    const { privateKey, ...rest } = this.#args.connection;
    return { ...rest, privateKey: pulumi.secret(privateKey), dialErrorLimit: 6, perDialTimeout: 15 };
  }

  #asRoot(command: string): string {
    return asRoot(this.#args.connection.user, command);
  }
}
