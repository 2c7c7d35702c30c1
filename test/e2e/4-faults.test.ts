import { execa } from "execa";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { configuredSecrets } from "./configuredSecrets.js";
import {
  type Change,
  containers,
  incus,
  inside,
  kept,
  must,
  primary,
  pulumi,
  pulumiCommand,
  root,
  run,
  runLab,
  sql,
  touched,
  up,
  waitFor,
  world,
} from "./lab.js";

const host = world.host.name;

/** As the formation is asked for: a change that touches one step on each data node, and the drill. */
const keepFive: Change = (config) => {
  config["restorable:backup"].repositories[0].retentionFull = 5;
};

/** Nothing is left to do: the same facts give the same program. */
async function settled(): Promise<void> {
  const { code, output } = await pulumi(["preview", "--expect-no-changes"]);
  expect(code, output).toBe(0);
}

/** An update without any change of settings mends what was broken. */
async function mended(): Promise<string> {
  const { code, output } = await up();
  expect(code, output).toBe(0);
  return output;
}

let before: Awaited<ReturnType<typeof kept>>;
beforeAll(async () => {
  await mended();
  before = await kept();
});

afterEach(async () => {
  const now = await kept();
  expect(now.users).toBe(before.users);
  expect(now.backups).toEqual(expect.arrayContaining(before.backups));
});

/** Runs a Pulumi command that has to fail, while containers stay the ones they are. */
async function refused(change: Change | undefined, ...words: (string | RegExp)[]): Promise<string> {
  const standing = await containers();
  const { code, output } = await up(change);
  expect(code, output).not.toBe(0);
  for (const word of words) expect(output).toMatch(word);
  expect(await containers()).toEqual(standing);
  return output;
}

describe("a host that cannot be worked on", () => {
  it("wrong host key: nothing is sent to the stranger, and the message says why", async () => {
    const stranger = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJhUQEZqHmLOXxkGbHpxB0BoVtTMzWgjUKAKRPZYxCzI";
    await refused(
      (config) => {
        const { hostKeyFile: _, ...rest } = config["restorable:hosts"][0];
        config["restorable:hosts"][0] = { ...rest, hostKey: stranger };
      },
      /host lab-host could not be looked at.*the host key is not the configured one \(hostKey\)/,
      /lab-host-tools[\s\S]*host key mismatch \(10\.\d+\.\d+\.10:22\)/,
    );
  });

  it("SSH refused: a preview works with a warning, an update names host and port", async () => {
    await refused((config) => {
      config["restorable:hosts"][0].port = 2222;
    }, /lab-host-tools[\s\S]*10\.\d+\.\d+\.10:2222: connect: connection refused/);
    await must(host, "systemctl stop ssh.socket 2>/dev/null || true; systemctl stop ssh.service");
    try {
      const { code, output } = await pulumi(["preview"]);
      expect(code, output).toBe(0);
      expect(output).toMatch(/host lab-host could not be looked at, so drift on it is unknown: .*ECONNREFUSED/);
      expect(touched(output)).toEqual([]);
    } finally {
      await must(host, "systemctl start ssh.service");
    }
  });

  it("Incus missing on the host: a preview works with a warning, an update names host and step", async () => {
    await must(host, "mv /usr/bin/incus /usr/bin/incus.away");
    try {
      const { code, output } = await pulumi(["preview"]);
      expect(code, output).toBe(0);
      expect(output).toMatch(/host lab-host could not be looked at.*no incus client on this host: install Incus/);
      expect(touched(output)).toEqual([]);
      await refused(
        keepFive,
        /host lab-host, container pgaf-replica, step pgbackrest-node: no incus client on this host: install Incus/,
      );
    } finally {
      await must(host, "mv /usr/bin/incus.away /usr/bin/incus");
    }
    await mended();
  });
});

describe("settings that cannot be had", () => {
  it("an image that is not there is refused before a container is touched", async () => {
    await refused(
      (config) => {
        config["restorable:image"] = "no-such-image";
      },
      /image no-such-image cannot be found (from|on) host lab-host \(project restorable-\w+\): see `incus image list`/,
      /container object-store stays as it is, made from restorable-base/,
    );
  });

  it("another major version of Postgres is refused before a container is touched", async () => {
    await refused(
      (config) => {
        config["restorable:postgres"] = { major: 16 };
      },
      /refused: postgres\.major is 16, but this formation stands on another version: .*pgaf-monitor \(restorable-pg17-\w+\)/,
      /Changing the setting is no upgrade; nothing was changed/,
    );
  });

  it("another place for a repository with backups is refused", async () => {
    await refused(
      (config) => {
        config["restorable:backup"].repositories[0].path = "/elsewhere";
      },
      /host lab-host, container pgaf-primary: step pgbackrest-node failed/,
      /refused: repository 1 would move from .* lacks the newest backup .*restorable:backup\.allow\.pathChange/,
    );
    expect(await must("pgaf-primary", "grep ^repo1-path= /etc/pgbackrest/pgbackrest.conf")).not.toContain("elsewhere");
  });

  it("another cipher passphrase is refused", async () => {
    const other = "another passphrase, as long as it takes";
    const file = await configuredSecrets({ repo1CipherPass: other });
    const { command, env } = await pulumiCommand(["up", "--yes", "--skip-preview"], file);
    const { code, output } = await run(command, { env });
    expect(code, output).not.toBe(0);
    expect(output).toMatch(
      /refused: repository 1 holds backups of stanza main that the configured cipher passphrase does not open.*restorable:backup\.allow\.cipherChange/,
    );
    expect(output).not.toContain(other);
  });

  it("the next run makes it good", async () => {
    await mended();
    await must("pgaf-primary", "cd /; runuser -u postgres -- pgbackrest --stanza=main check");
  });
});

describe("drift", () => {
  it("a file altered by hand: the preview shows its step and no other, the update repairs it", async () => {
    await must("pgaf-replica", "echo '# by hand' >>/etc/pgbackrest/pgbackrest.conf");
    const preview = await pulumi(["preview"]);
    expect(preview.code, preview.output).toBe(0);
    expect(preview.output).toMatch(
      /host lab-host: \/etc\/pgbackrest\/pgbackrest\.conf was changed or removed by another hand; step pgaf-replica\/pgbackrest-node will run again/,
    );
    expect(touched(preview.output)).toEqual(["pgaf-replica-pgbackrest-configuration"]);
    await mended();
    expect((await inside("pgaf-replica", "grep 'by hand' /etc/pgbackrest/pgbackrest.conf")).code).toBe(1);
  });

  it("port taken: the message names container, port and who has it", async () => {
    const unit = "/etc/systemd/system/versitygw.service";
    await must("object-store", `echo '# by hand' >>${unit}; systemctl stop versitygw`);
    const listen = "IO::Socket::INET->new(LocalPort => 9000, Listen => 5, ReuseAddr => 1) or die; sleep";
    await must("object-store", `systemd-run -q --unit=squatter perl -MIO::Socket::INET -e 'my $s = ${listen}'`);
    await waitFor("the squatter listens", 10, async () =>
      (await must("object-store", "ss -Hltn 'sport = :9000'")).includes(":9000"),
    );
    try {
      await refused(
        undefined,
        /object-store: port 9000 is taken in this container: .*perl/,
        /host lab-host, container object-store: step object-store failed/,
      );
    } finally {
      await must("object-store", "systemctl stop squatter");
    }
    await mended();
    await must("pgaf-primary", "cd /; runuser -u postgres -- pgbackrest --stanza=main check");
  });

  it("the prepared image gone while the package source is down: named, then built again", async () => {
    const image = (await incus("config", "get", "pgaf-monitor", "user.restorable.image")).stdout.trim();
    await incus("image", "delete", image);
    await refused(
      (config) => {
        config["restorable:packages"] = { source: `deb [trusted=yes] http://${world.subnet}.250/none ./` };
      },
      /packages cannot be installed in restorable-image-build-\d+ on host lab-host: is the package source reachable from network/,
      /host lab-host: step pg-image failed/,
    );
    const output = await mended();
    expect(output).toMatch(/image restorable-pg17-\w+ was changed or removed by another hand|lab-host-pg-image-build/);
    expect((await incus("image", "info", image)).code).toBe(0);
  });
});

const replicates = async () =>
  /^(sync|quorum)$/.test(await sql(await primary(), "SELECT sync_state FROM pg_stat_replication", "postgres"));

describe("containers deleted by hand", () => {
  it("standby, store and monitor at once: the preview shows their steps only, the update makes them again", async () => {
    const gone = ["object-store", "pgaf-monitor", "pgaf-replica"];
    for (const name of gone) await incus("delete", "--force", name);
    const preview = await pulumi(["preview"]);
    expect(preview.code, preview.output).toBe(0);
    for (const name of gone)
      expect(preview.output).toMatch(new RegExp(`host lab-host: the container of ${name}/\\S+ is gone`));
    expect(touched(preview.output)).toEqual([
      "formation-policy",
      "object-store-binary",
      "object-store-container",
      "object-store-server",
      "object-store-tls-certificate",
      "object-store-tls-key",
      "pgaf-monitor-container",
      "pgaf-monitor-metrics-step",
      "pgaf-monitor-monitor",
      "pgaf-monitor-tls-certificate",
      "pgaf-monitor-tls-key",
      // The monitor was made anew: each node looks whether it is still registered.
      "pgaf-primary-attached",
      "pgaf-primary-node",
      "pgaf-replica-application",
      "pgaf-replica-attached",
      "pgaf-replica-container",
      "pgaf-replica-exports-configuration",
      "pgaf-replica-immutability-step",
      "pgaf-replica-metrics-step",
      "pgaf-replica-node",
      "pgaf-replica-pgbackrest-configuration",
      "pgaf-replica-stanza",
      "pgaf-replica-tls-certificate",
      "pgaf-replica-tls-key",
    ]);
    await mended();
    await waitFor("the standby replicates synchronously", 60, replicates);
    await must(await primary(), "cd /; runuser -u postgres -- pgbackrest --stanza=main check");
  });
});

describe("cut off in the middle", () => {
  it("a Postgres that died left a lock file whose number another process has now: it is started all the same", async () => {
    const file = "/var/lib/postgresql/17/pgaf/node/postmaster.pid";
    await must("pgaf-replica", `systemctl stop pg_autoctl; printf '1\\n/nowhere\\n' >${file}; chown postgres: ${file}`);
    await must("pgaf-replica", "systemctl start pg_autoctl");
    await waitFor("the standby replicates synchronously", 60, replicates);
    expect(await must("pgaf-replica", `head -n 1 ${file}`)).not.toBe("1");
  });

  it("a node restarted: the next run completes", async () => {
    await must("pgaf-replica", "echo >>/var/lib/postgresql/.pgpass");
    let restart: Promise<unknown> | undefined;
    const { code, output } = await up(undefined, (line) => {
      if (!restart && /pgaf-replica-node updating/.test(line)) restart = incus("restart", "--force", "pgaf-replica");
    });
    expect(restart).toBeDefined();
    await restart;
    console.log(`the update whose node was restarted ended with ${code}`);
    if (code !== 0) expect(output).toMatch(/host lab-host, container pgaf-replica: step pg-node failed/);
    await waitFor("the standby replicates synchronously", 60, replicates);
    await mended();
  });

  it("the update killed: the lab removes the lock of its dead process and completes", async () => {
    await must("pgaf-replica", "echo >>/var/lib/postgresql/.pgpass");
    const { command, env } = await pulumiCommand(["up", "--yes", "--skip-preview"]);
    const [file = "", ...args] = command;
    const child = execa(file, args, { cwd: root, env, all: true, reject: false, stdin: "ignore" });
    for await (const line of child.iterable({ from: "all" }))
      if (/pgaf-replica-node updating/.test(line)) child.kill("SIGKILL");
    expect((await child).signal).toBe("SIGKILL");
    const { code, output } = await runLab("up");
    expect(code, output).toBe(0);
    expect(output).toContain("lock of a killed run removed");
    await settled();
  });

  it("npm run lab interrupted with Ctrl-C: run again, it completes", async () => {
    await must("pgaf-replica", "echo >>/var/lib/postgresql/.pgpass");
    const lab = ["lab/cli.mjs", "up", "--name", world.name, "--subnet", world.subnet];
    const child = execa("node", lab, { cwd: root, all: true, reject: false, stdin: "ignore", detached: true });
    const { pid } = child;
    // A terminal sends it to the whole group.
    for await (const line of child.iterable({ from: "all" }))
      if (/deploy \.\.\./.test(line) && pid !== undefined) setTimeout(() => process.kill(-pid, "SIGINT"), 2000);
    const interrupted = await child;
    expect(interrupted.exitCode).toBe(1);
    expect(interrupted.all).toContain("interrupted");
    const { code, output } = await runLab("up");
    expect(code, output).toBe(0);
    await settled();
  });
});
