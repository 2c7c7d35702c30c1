import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { isScalar, parse, parseDocument, visit } from "yaml";

interface Step {
  name?: string;
  id?: string;
  if?: string;
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
  env?: Record<string, string>;
}
interface Job {
  uses?: string;
  if?: string;
  needs?: string[];
  "runs-on"?: string;
  "timeout-minutes"?: number;
  environment?: string;
  permissions?: Record<string, string>;
  concurrency?: { group: string; "cancel-in-progress": unknown };
  strategy?: { matrix: Record<string, string[]> };
  env?: Record<string, string>;
  steps?: Step[];
}
interface Workflow {
  on: Record<string, { branches?: string[] } | null>;
  permissions?: Record<string, string> | string;
  env?: Record<string, string>;
  jobs: Record<string, Job>;
}

const root = join(import.meta.dirname, "..", "..");
const directory = join(root, ".github", "workflows");
const names = readdirSync(directory).filter((name) => /\.ya?ml$/.test(name));
const text = (name: string) => readFileSync(join(directory, name), "utf8");
const workflow = (name: string) => parse(text(name)) as Workflow;
const all = names.map((file) => ({ file, ...workflow(file) }));
const stepsOf = ({ jobs }: Workflow) => Object.values(jobs).flatMap(({ steps = [] }) => steps);
const readsSecrets = (value: unknown) => /\$\{\{[^}]*\bsecrets\./.test(JSON.stringify(value ?? ""));

/** Every `uses:` of a file with the comment behind it. */
function uses(name: string): { action: string; comment: string }[] {
  const found: { action: string; comment: string }[] = [];
  visit(parseDocument(text(name)), {
    Pair(_, { key, value }) {
      if (isScalar(key) && key.value === "uses" && isScalar(value))
        found.push({ action: String(value.value), comment: (value.comment ?? "").trim() });
    },
  });
  return found;
}

async function actionlint(...args: string[]): Promise<{ exitCode: number | undefined; all: string }> {
  const program = process.env.ACTIONLINT || "actionlint";
  const result = await execa(program, args, { cwd: root, reject: false, all: true });
  if (result.code === "ENOENT")
    throw new Error(
      `${program} cannot be run: put actionlint 1.7.7 or newer on PATH or its path into ACTIONLINT (go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.7)`,
    );
  return { exitCode: result.exitCode, all: result.all };
}

it("has the four workflows", () => {
  expect(names.sort()).toEqual(["deploy.yml", "drift.yml", "preview.yml", "test.yml"]);
});

it("passes actionlint", async () => {
  expect(await actionlint("-no-color")).toEqual({ exitCode: 0, all: "" });
}, 60_000);

describe.each(all)("$file", ({ file, permissions, env: common, jobs, ...rest }) => {
  it("pins every action of others to a commit, its version beside it", () => {
    const theirs = uses(file).filter(({ action }) => !action.startsWith("./"));
    for (const { action, comment } of theirs) {
      expect(action).toMatch(/^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/);
      expect(comment, action).toMatch(/^v\d+\.\d+\.\d+$/);
    }
  });

  it("gives its token no more than reading unless a job asks", () => {
    expect(permissions).toEqual({ contents: "read" });
  });

  it("bounds every job in time and does not leave credentials in the checkout", () => {
    for (const job of Object.values(jobs).filter((it) => !it.uses)) {
      expect(job["timeout-minutes"]).toBeGreaterThan(0);
      expect(job.concurrency?.group).toBeTruthy();
      for (const step of job.steps ?? [])
        if (step.uses?.startsWith("actions/checkout@")) expect(step.with?.["persist-credentials"]).toBe(false);
    }
  });

  it("hands secrets to single steps through their environment only", () => {
    expect(readsSecrets({ ...rest, common })).toBe(false);
    for (const job of Object.values(jobs)) {
      const { steps = [], ...outside } = job;
      expect(readsSecrets(outside)).toBe(false);
      for (const { env, ...step } of steps) expect(readsSecrets(step), step.name).toBe(false);
    }
  });

  it("writes nothing that a pull request controls into a script", () => {
    for (const { run = "" } of Object.values(jobs).flatMap(({ steps = [] }) => steps)) expect(run).not.toContain("${{");
  });
});

describe("workflows that pull requests start", () => {
  const started = all.filter(({ on }) => "pull_request" in on);

  it("are preview and test, and none runs with the target's rights", () => {
    expect(started.map(({ file }) => file).sort()).toEqual(["preview.yml", "test.yml"]);
    const events = all.flatMap(({ on }) => Object.keys(on));
    expect(events.filter((event) => event === "pull_request_target" || event === "workflow_run")).toEqual([]);
  });

  it.each(started)("$file may write nothing but comments, on machines of GitHub's", ({ jobs }) => {
    for (const { permissions = {}, ...job } of Object.values(jobs)) {
      const writes = Object.entries(permissions).filter(([, access]) => access !== "read");
      expect(writes.map(([scope]) => scope).filter((scope) => scope !== "pull-requests")).toEqual([]);
      expect(job["runs-on"]).toMatch(/^ubuntu-/);
    }
  });
});

describe("preview", () => {
  const { jobs } = workflow("preview.yml");
  const job = jobs.preview as Job;

  it("covers both stacks, each with a concurrency group of its own", () => {
    expect(job.strategy?.matrix.stack).toEqual(["lab", "prod"]);
    expect(job.concurrency?.group).toContain("matrix.stack");
  });

  it("says why it leaves prod out for a fork, before a secret is used", () => {
    const steps = job.steps ?? [];
    const gate = steps.findIndex(({ id }) => id === "can");
    const firstWithSecrets = steps.findIndex(({ env, id }) => id !== "can" && readsSecrets(env));
    expect(steps[gate]?.run).toMatch(/::notice::.*fork/);
    expect(gate).toBeLessThan(firstWithSecrets);
    for (const step of steps.filter(({ env, id }) => id !== "can" && readsSecrets(env)))
      expect(step.if).toContain("steps.can.outputs.preview == 'yes'");
  });

  it("comments only where its token may, and always fills the summary", () => {
    const comment = job.steps?.find(({ name }) => name === "Comment")?.run ?? "";
    expect(comment).toContain("GITHUB_STEP_SUMMARY");
    expect(comment.indexOf('"$TRUSTED" != true')).toBeLessThan(comment.indexOf("gh api"));
    expect(comment.indexOf('"$TRUSTED" != true')).toBeGreaterThan(0);
  });
});

describe("deploy", () => {
  const { on, jobs } = workflow("deploy.yml");

  it("runs on merges to main only, after tests and plan, behind the environment", () => {
    expect(on).toEqual({ push: { branches: ["main"] } });
    expect(jobs.deploy?.environment).toBe("prod");
    expect(jobs.deploy?.needs).toEqual(["test", "plan"]);
  });

  it("never cuts off an update", () => {
    expect(jobs.deploy?.concurrency?.["cancel-in-progress"]).toBe(false);
  });
});

describe("drift", () => {
  it("changes nothing, and counts a host that was not looked at as unverified", () => {
    const script = workflow("drift.yml").jobs.drift?.steps?.find(({ name }) => name === "Look for drift")?.run ?? "";
    expect(script).toContain("--expect-no-changes");
    expect(script).not.toMatch(/pulumi (up|refresh|destroy)/);
    const words = /grep -q '([^']+)'/.exec(script)?.[1] ?? "";
    expect(words).not.toBe("");
    expect(readFileSync(join(root, "remote", "convergence.ts"), "utf8")).toContain(words);
  });
});

it("uses the CLI version that lab/toolchain pins", () => {
  const pinned = /pulumi\/pkg\/v3 v([\d.]+)/.exec(readFileSync(join(root, "lab/toolchain/cli/go.mod"), "utf8"))?.[1];
  const versions = all.flatMap(stepsOf).flatMap((step) => step.with?.["pulumi-version"] ?? []);
  expect(versions.length).toBeGreaterThan(0);
  expect(new Set(versions)).toEqual(new Set([pinned]));
});
