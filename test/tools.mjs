// What the suites call besides node packages: installs what is missing, from the machine's own package sources.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export const cache =
  process.env.RESTORABLE_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "restorable");
const bin = join(cache, "test-bin");
const actionlint = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.7";

function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", ...options });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr.trim().split("\n").slice(-5).join("\n")}`);
}

const has = (command) => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
const asRoot = (command, args, options) =>
  process.getuid() === 0 ? run(command, args, options) : run("sudo", ["-n", command, ...args], options);

let updated = false;
function aptUpdate() {
  if (!updated) asRoot("apt-get", ["-q", "-o", "Acquire::Retries=3", "update"]);
  updated = true;
}

/** A program without the service that it belongs to: it alone is taken out of the Debian package. */
function only(program, debianPackage) {
  aptUpdate();
  const scratch = mkdtempSync(join(cache, `${program}-`));
  try {
    run("apt-get", ["-q", "download", debianPackage], { cwd: scratch });
    const [deb] = readdirSync(scratch).filter((name) => name.endsWith(".deb"));
    run("dpkg-deb", ["-x", deb, "x"], { cwd: scratch });
    renameSync(join(scratch, "x/usr/bin", program), join(bin, program));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Installs what is missing; puts its folder in front of this process's PATH. @returns what was installed */
export function installTools() {
  mkdirSync(bin, { recursive: true });
  process.env.PATH = `${bin}:${process.env.PATH}`;
  const made = [];
  const packages = {
    shellcheck: "shellcheck",
    bats: "bats",
    parallel: "parallel",
    jq: "jq",
    "systemd-analyze": "systemd",
  };
  const missing = Object.entries(packages)
    .filter(([command]) => !has(command))
    .map(([, name]) => name);
  // The simulator of B2 is a Python package, in a virtual environment of its own.
  if (spawnSync("python3", ["-c", "import ensurepip"]).status !== 0) missing.push("python3-venv");
  if (missing.length > 0) {
    aptUpdate();
    asRoot("env", [
      "DEBIAN_FRONTEND=noninteractive",
      "apt-get",
      "-qy",
      "install",
      "--no-install-recommends",
      ...missing,
    ]);
    made.push(...missing);
  }
  for (const [program, debianPackage] of Object.entries({
    promtool: "prometheus",
    amtool: "prometheus-alertmanager",
    "prometheus-pushgateway": "prometheus-pushgateway",
  })) {
    if (has(program)) continue;
    only(program, debianPackage);
    made.push(program);
  }
  if (!existsSync(join(bin, "actionlint")) && !has("actionlint")) {
    run("go", ["install", actionlint], { env: { ...process.env, GOBIN: bin, GOFLAGS: "-buildvcs=false" } });
    made.push("actionlint");
  }
  return made;
}
