import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { asRoot } from "../remote/asRoot.js";
import { type Bundle, packBundle, stepHash } from "../remote/bundle.js";
import type { Connection } from "../remote/connection.js";
import type { Convergence } from "../remote/convergence.js";
import { installBundle, removeBundle, toolsRoot } from "../remote/installBundle.js";
import { assignments, quote } from "../remote/quote.js";
import type { Standing } from "../remote/replacement.js";

export interface IncusHostArgs {
  connection: Connection;
  /** Incus project that the stack's containers live in. */
  project: string;
  storagePool: string;
  network: string;
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

/** An Incus host reached over SSH, with our scripts on it: what every converge step of the stack runs through. */
export class IncusHost extends pulumi.ComponentResource {
  readonly hostName: string;
  readonly project: string;
  readonly storagePool: string;
  readonly network: string;
  /** Data volumes of the containers that were registered on this host so far. */
  readonly dataVolumes: { volume: string; made: pulumi.Resource }[] = [];
  readonly #args: IncusHostArgs;
  readonly #tools: remote.Command;

  constructor(name: string, args: IncusHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:IncusHost", name, {}, opts);
    this.hostName = name;
    this.project = args.project;
    this.storagePool = args.storagePool;
    this.network = args.network;
    this.#args = args;
    const { bundle, stack } = args;
    const generation = args.convergence.generation(name, "host", "tools");
    this.#tools = new remote.Command(
      `${name}-tools`,
      {
        connection: this.#connection(),
        create: this.#asRoot(installBundle({ bundle, stack, host: name, project: args.project, generation })),
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
    const { stack, project, bundle, convergence } = this.#args;
    const target = args.target ?? args.container ?? "host";
    const generation = convergence.generation(this.hostName, target, args.script, args.makes);
    const line = (script: string, generated: string[], settings: Record<string, string | number | boolean>) =>
      [
        `${toolsRoot(stack)}/step ${script} --project ${quote(project)} --as ${quote(target)}`,
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

  /** Names a container as it will be after this update: by its image, and by how often it had to be made anew. */
  incarnation(container: string, image: string): string {
    return `${image}/${this.#args.convergence.generation(this.hostName, container, "incus-container", container)}`;
  }

  /** How a container stood when this host was looked at. */
  standing(container: string): Standing {
    return this.#args.convergence.standing(this.hostName, container);
  }

  #connection() {
    const { privateKey, ...rest } = this.#args.connection;
    return { ...rest, privateKey: pulumi.secret(privateKey), dialErrorLimit: 6, perDialTimeout: 15 };
  }

  #asRoot(command: string): string {
    return asRoot(this.#args.connection.user, command);
  }
}
