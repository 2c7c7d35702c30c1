import { repositoryUnit } from "../render/repositoryUnits.js";
import { inContainer } from "./incus.js";
import type { World } from "./world.js";

const onEvery = (world: World, script: string) =>
  Promise.all(world.dataNodes.map((node) => inContainer(world, node, script).catch(() => "")));

const asPostgres = (command: string) => `cd /; runuser -u postgres -- ${command}`;

/** Name of the container whose Postgres takes writes. @throws Error when none does. */
export async function primary(world: World): Promise<string> {
  const answers = await onEvery(world, asPostgres(`psql -X -qAt -c 'SELECT NOT pg_is_in_recovery()'`));
  const found = world.dataNodes.find((_, index) => answers[index]?.trim() === "t");
  if (!found)
    throw new Error(`no data node takes writes (${world.dataNodes.join(", ")}); look at \`pg_autoctl show state\``);
  return found;
}

/** A table with real rows for the drill's smoke query; made once. */
export async function seedUsers(world: World): Promise<string> {
  const node = await primary(world);
  const sql = `SET client_min_messages = warning;
CREATE TABLE IF NOT EXISTS users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE, created_at timestamptz NOT NULL DEFAULT now());
ALTER TABLE users OWNER TO app;
INSERT INTO users (email) SELECT format('user%s@example.org', n) FROM generate_series(1, 1000) AS n WHERE NOT EXISTS (SELECT FROM users);
SELECT count(*) FROM users;`;
  const count = await inContainer(world, node, asPostgres("psql -X -qAt -v ON_ERROR_STOP=1 -d app"), { input: sql });
  return `${count.trim()} rows in users`;
}

/** Numbers of the lab's repositories: on site, off site. */
export const repositories = [1, 2] as const;
export type RepositoryNumber = (typeof repositories)[number];

interface Info {
  backup?: { label: string; type: string }[];
}

/**
 * The first full backup of each repository, taken by the timers' own services; later runs find them. One repository
 * that is dead keeps none of the others waiting.
 *
 * @throws Error that names every repository without a backup
 */
export async function firstBackups(world: World): Promise<string> {
  const node = await primary(world);
  const done: string[] = [];
  const failed: string[] = [];
  for (const number of repositories) {
    try {
      done.push(`${number} ${await firstBackup(world, node, number)}`);
    } catch (error) {
      failed.push(`repository ${number} has no full backup: ${(error as Error).message}`);
    }
  }
  if (failed.length > 0) throw new Error(failed.join("\n"));
  return done.join(", ");
}

async function firstBackup(world: World, node: string, number: RepositoryNumber): Promise<string> {
  const newest = async () => {
    const text = await inContainer(world, node, asPostgres(`pgbackrest --repo=${number} --output=json info`));
    const fulls = (JSON.parse(text || "[]") as Info[])[0]?.backup?.filter(({ type }) => type === "full");
    return fulls?.at(-1)?.label;
  };
  const there = await newest();
  if (there) return `there: ${there}`;
  const service = `${repositoryUnit("pgbackrest-full", number)}.service`;
  await inContainer(
    world,
    node,
    `systemctl start ${service} || { journalctl -u ${service} -n 20 --no-pager -o cat >&2; exit 1; }`,
  );
  const made = await newest();
  if (!made) throw new Error("the backup ended without error but the repository does not list one");
  return `taken: ${made}`;
}

export interface DrillFigures {
  repository: RepositoryNumber;
  passed: boolean;
  ageSeconds: number;
  rpoSeconds: number;
  restoreSeconds: number;
  durationSeconds: number;
  rows: number;
}

/** What the metrics say of the last drill of each repository; nothing of one before its first. */
export async function lastDrills(world: World): Promise<DrillFigures[]> {
  return (await Promise.all(repositories.map((number) => lastDrill(world, number)))).filter((it) => it !== undefined);
}

async function lastDrill(world: World, repository: RepositoryNumber): Promise<DrillFigures | undefined> {
  const text = await inContainer(
    world,
    world.host.name,
    `cat /var/lib/node_exporter/textfile_collector/*_backup_drill_*repo${repository}.prom 2>/dev/null || true`,
  );
  const value = (name: string) => {
    const match = new RegExp(`^\\w+_backup_drill_${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(text);
    return match ? Number(match[1]) : Number.NaN;
  };
  if (Number.isNaN(value("last_success"))) return undefined;
  return {
    repository,
    passed: value("last_success") === 1 && /_backup_drill_outcome\{[^}]*outcome="pass"[^}]*\} 1/.test(text),
    ageSeconds: Date.now() / 1000 - value("last_run_timestamp_seconds"),
    rpoSeconds: value("rpo_seconds"),
    restoreSeconds: value("restore_duration_seconds"),
    durationSeconds: value("duration_seconds"),
    rows: value("smoke_rows"),
  };
}

/**
 * Drills each repository, unless its last drill passed within a week. A drill that fails keeps no other one from running.
 *
 * @throws Error that names every drill that did not pass
 */
export async function drills(world: World, note: (line: string) => void): Promise<string> {
  const last = await lastDrills(world);
  const results: string[] = [];
  const failed: string[] = [];
  for (const number of repositories) {
    const before = last.find(({ repository }) => repository === number);
    if (before?.passed && before.ageSeconds < 7 * 86_400) {
      results.push(`${number} passed ${Math.round(before.ageSeconds / 60)} min ago`);
      continue;
    }
    try {
      await inContainer(world, world.host.name, `/usr/local/bin/dr-drill.sh --repo ${number}`, { onLine: note });
      results.push(`${number} ${drilledNow}`);
    } catch (error) {
      failed.push(`the drill of repository ${number} did not pass: ${(error as Error).message}`);
    }
  }
  if (failed.length > 0) throw new Error(failed.join("\n"));
  return results.join(", ");
}

/** What {@link drills} says of a drill that it ran. */
export const drilledNow = "passed just now";
