import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { programRequire } from "./program-modules.mjs";

/** The SDK's runner reports an error itself and then exits with this code. */
const ALREADY_REPORTED = 32;
const PLAIN_ERRORS = fileURLToPath(new URL("plain-errors.cjs", import.meta.url));

/**
 * The command line of a program's run: the SDK's own runner, as the official language host starts it.
 * @param {import("@pulumi/pulumi/proto/language_pb.js").RunRequest} request
 * @param {string} engine address
 */
export function programCommand(request, engine) {
  const info = request.getInfo();
  const options = info?.getOptions()?.toJavaScript() ?? {};
  const directory = info?.getProgramDirectory() || request.getPwd();
  const runner = programRequire(directory).resolve("@pulumi/pulumi/cmd/run");
  const config = Object.fromEntries(request.getConfigMap().entries());
  return {
    args: [
      ...["--require", PLAIN_ERRORS],
      ...(options.nodeargs?.split(/\s+/).filter(Boolean) ?? []),
      runner,
      ...["--monitor", request.getMonitorAddress()],
      ...["--engine", engine],
      ...["--organization", request.getOrganization()],
      ...["--project", request.getProject()],
      ...["--root-directory", info?.getRootDirectory() || request.getPwd()],
      ...["--stack", request.getStack()],
      ...["--pwd", request.getPwd()],
      ...(request.getDryrun() ? ["--dry-run"] : []),
      ...["--parallel", String(request.getParallel())],
      info?.getEntryPoint() || request.getProgram(),
      ...request.getArgsList(),
    ],
    directory,
    environment: {
      PULUMI_CONFIG: JSON.stringify(config),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
      PULUMI_NODEJS_TYPESCRIPT: String(options.typescript !== false),
      ...(options.tsconfig && { PULUMI_NODEJS_TSCONFIG_PATH: String(options.tsconfig) }),
    },
  };
}

/**
 * Starts a program; its output goes where this process's goes, which the engine shows.
 * @returns {{ done: Promise<{ bail: boolean, error: string }>, stop: () => void }}
 */
export function runProgram({ args, directory, environment }) {
  const child = spawn(process.execPath, args, {
    cwd: directory,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const done = new Promise((resolve) => {
    child.once("error", (error) =>
      resolve({ bail: false, error: `the program could not be started: ${error.message}` }),
    );
    child.once("exit", (code, signal) => {
      if (signal) resolve({ bail: false, error: `Program was killed by ${signal}` });
      else if (code === ALREADY_REPORTED) resolve({ bail: true, error: "" });
      else resolve({ bail: false, error: code ? `Program exited with non-zero exit code: ${code}` : "" });
    });
  });
  return { done, stop: () => child.kill("SIGTERM") };
}
