import { describe, expect, it } from "vitest";
import { dumpsSchema } from "../../../settings/dumps.js";
import { parseSettings } from "../../../settings.js";
import { goodSecrets, hostKey, smallest } from "./fixture.js";

const host = { name: "docker-1", address: "10.1.0.60", hostKey };
const problemsOf = (dumps: unknown, more: object = {}): string => {
  try {
    parseSettings({ ...smallest(), ...more, dumps }, goodSecrets);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
};

describe("dumps", () => {
  it("has defaults for all but what is dumped where", () => {
    expect(dumpsSchema.parse({ jobs: [{ kind: "postgres", host: "docker-1" }] })).toEqual({
      root: "/mnt/backups",
      requireMount: true,
      keepDays: 3,
      scheduler: "cron",
      time: "04:00",
      minimumRatio: 0.5,
      upload: false,
      hosts: [],
      jobs: [{ kind: "postgres", host: "docker-1" }],
    });
  });

  it("takes hosts of its own and Incus hosts", () => {
    const jobs = [
      { kind: "postgres", host: "docker-1" },
      { kind: "gitea", host: "docker-1" },
      { kind: "postgres", host: "host-a" },
      { kind: "k3s_pvc", host: "host-a", kubeconfig: "/root/kubeconfig" },
    ];
    expect(problemsOf({ hosts: [host], jobs })).toBe("");
  });

  it.each([
    [
      "an unknown host",
      { hosts: [host], jobs: [{ kind: "gitea", host: "docker-2" }] },
      'dumps.jobs[0].host: "docker-2" is none of dumps.hosts',
    ],
    [
      "a kind twice on a host",
      {
        hosts: [host],
        jobs: [
          { kind: "gitea", host: "docker-1" },
          { kind: "gitea", host: "docker-1" },
        ],
      },
      'dumps.jobs[1].kind: "gitea" on "docker-1" is restorable:dumps.jobs[0] already',
    ],
    [
      "two kinds in one folder",
      {
        hosts: [host],
        jobs: [
          { kind: "gitea", host: "docker-1" },
          { kind: "postgres", host: "docker-1", directory: "/opt/gitea_dump" },
        ],
      },
      "dumps.jobs[1].directory: is the folder of restorable:dumps.jobs[0] already",
    ],
    ["another kind", { hosts: [host], jobs: [{ kind: "mysql", host: "docker-1" }] }, "dumps.jobs[0].kind"],
    ["no job", { hosts: [host], jobs: [] }, "dumps.jobs"],
    [
      "a container of K3s",
      { hosts: [host], jobs: [{ kind: "k3s_pvc", host: "docker-1", container: "k3s" }] },
      'dumps.jobs[0].container: is none of kind "k3s_pvc"',
    ],
    [
      "a kubeconfig of Postgres",
      { hosts: [host], jobs: [{ kind: "postgres", host: "docker-1", kubeconfig: "/root/k" }] },
      "dumps.jobs[0].kubeconfig: is none",
    ],
    ["a time that is none", { hosts: [host], time: "4:00", jobs: [{ kind: "gitea", host: "docker-1" }] }, "dumps.time"],
    [
      "a ratio above 1",
      { hosts: [host], minimumRatio: 2, jobs: [{ kind: "gitea", host: "docker-1" }] },
      "dumps.minimumRatio",
    ],
    [
      "a host without a key",
      { hosts: [{ name: "docker-1", address: "10.1.0.60" }], jobs: [{ kind: "gitea", host: "docker-1" }] },
      "dumps.hosts[0].hostKey: is missing",
    ],
    [
      "an Incus host's name",
      { hosts: [{ ...host, name: "host-a" }], jobs: [{ kind: "gitea", host: "host-a" }] },
      'dumps.hosts[0].name: "host-a" is taken by restorable:hosts[0].name',
    ],
    [
      "an Incus host's address and port",
      { hosts: [{ ...host, address: "10.1.0.1" }], jobs: [{ kind: "gitea", host: "docker-1" }] },
      "dumps.hosts[0].address",
    ],
  ])("refuses %s, naming the key", (_, dumps, message) => {
    expect(problemsOf(dumps)).toContain(message);
  });

  it("copies need the off-site bucket", () => {
    const dumps = { hosts: [host], upload: true, jobs: [{ kind: "gitea", host: "docker-1" }] };
    expect(problemsOf(dumps)).toBe("");
    expect(problemsOf(dumps, { offsite: undefined, allowNoOffsite: true })).toContain("needs `offsite`");
  });
});
