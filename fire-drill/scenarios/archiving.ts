import { limits, minutely, scraped } from "../scale.js";
import type { Scenario } from "../scenario.js";
import { switchWal } from "../shell.js";

const setCommand = (command: string) => `sql -d postgres -c 'SHOW archive_command' | keep archive_command
sql -d postgres -c "ALTER SYSTEM SET archive_command = '${command}'" -c 'SELECT pg_reload_conf()' >/dev/null`;

const oldCommand = `rm -f /run/restorable-fire-drill-hang
if [ -s "$kept/archive_command" ]; then
  sql -d postgres -v old="$(cat "$kept/archive_command")" >/dev/null <<'SQL'
SELECT format('ALTER SYSTEM SET archive_command = %L', :'old') \\gexec
SELECT pg_reload_conf();
SQL
  rm -f "$kept/archive_command"
fi`;

/** The archived backlog is gone only when checkpoints have removed it, on the standby too. */
const shrink = `for _ in $(seq 240); do
  [ "$(sql -d postgres -c "SELECT count(*) > 1 FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'")" = t ] || break
  sleep 0.5
done
sql -d postgres -c CHECKPOINT
${switchWal(1)}
sql -d postgres -c CHECKPOINT`;

const renderArchiving = "runuser -u postgres -- /usr/local/lib/restorable/node/archiving-watch.sh --render";

const { short, days } = limits;
// A heartbeat writes WAL each minute, the segment ends by archive_timeout, the age is looked at each minute.
const walAge = (boundSeconds: number) => 60 + boundSeconds + minutely + 30;

/** Archiving of WAL. */
export const archiving: readonly Scenario[] = [
  {
    id: "archive-command-fails",
    phase: "short",
    what: "archive_command on the primary fails",
    disturbs: ["archiving"],
    break: [{ in: "primary", run: `${setCommand("false")}\n${switchWal(1)}` }],
    repair: [{ in: "primary", run: oldCommand }],
    expect: [
      { alert: "ArchiverFailing", labels: { instance: "{primary}" }, hearer: "ticket", detectSeconds: 2 * scraped },
    ],
    silenceSeconds: 120,
  },
  {
    id: "archive-command-hangs",
    phase: "short",
    what: "archive_command on the primary never ends, while WAL piles up in the size-limited volume",
    disturbs: ["archiving", "volume"],
    break: [
      {
        in: "primary",
        run: `touch /run/restorable-fire-drill-hang
${setCommand("while [ -e /run/restorable-fire-drill-hang ]; do sleep 1; done; exit 1")}
${switchWal(110)}`,
      },
    ],
    repair: [
      { in: "primary", run: `${oldCommand}\n${shrink}` },
      { in: "standby", run: "sql -d postgres -c CHECKPOINT" },
    ],
    expect: [
      {
        alert: "ArchivingStalled",
        labels: { source: "backlog", instance: "{primary}" },
        hearer: "pager",
        detectSeconds: 90,
      },
      { alert: "WalDirectoryFilling", labels: { instance: "{primary}" }, hearer: "pager", detectSeconds: 120 },
      {
        alert: "RpoBoundBroken",
        labels: { source: "repository" },
        hearer: "pager",
        detectSeconds: walAge(short.rpoOverdueSeconds),
      },
    ],
    silenceSeconds: 240,
  },
  {
    id: "wal-dropped",
    phase: "days",
    what: "both stores are stopped while archive-push-queue-max is small: pgBackRest drops WAL",
    disturbs: ["archiving", "repositories", "drill"],
    break: [
      // Less than one segment: the process that pushes looks at the queue only when it starts.
      {
        in: "primary",
        run: `printf '[global:archive-push]\\narchive-push-queue-max=1MB\\n' >/etc/pgbackrest/conf.d/fire-drill.conf
chown postgres:postgres /etc/pgbackrest/conf.d/fire-drill.conf
${renderArchiving}`,
      },
      { in: "store", run: "systemctl stop versitygw.service" },
      { in: "offsite", run: "systemctl stop versitygw.service" },
      { in: "primary", run: switchWal(6) },
    ],
    repair: [
      { in: "store", run: "systemctl start versitygw.service" },
      { in: "offsite", run: "systemctl start versitygw.service" },
      // The holes are closed by the job that looks for them.
      { in: "primary", run: `rm -f /etc/pgbackrest/conf.d/fire-drill.conf; ${renderArchiving}` },
    ],
    expect: [{ alert: "WalDropped", labels: { instance: "{primary}" }, hearer: "pager", detectSeconds: 90 + minutely }],
    silenceSeconds: days.walDroppedWindowSeconds + minutely + 30,
  },
];

/** The repositories. */
export const repositories: readonly Scenario[] = [
  {
    id: "store-stopped",
    phase: "short",
    what: "the store is stopped",
    disturbs: ["archiving", "repositories", "drill"],
    break: [{ in: "store", run: "systemctl stop versitygw.service" }],
    repair: [{ in: "store", run: "systemctl start versitygw.service" }],
    expect: [
      { alert: "RepositoryUnreachable", hearer: "pager", detectSeconds: minutely + 25 },
      {
        alert: "ArchivingStalled",
        labels: { source: "repository" },
        hearer: "inhibited",
        detectSeconds: walAge(short.walOverdueSeconds),
      },
      {
        alert: "RpoBoundBroken",
        labels: { source: "repository" },
        hearer: "inhibited",
        detectSeconds: walAge(short.rpoOverdueSeconds),
      },
    ],
    silenceSeconds: 2 * minutely + 30,
  },
  {
    id: "key-revoked",
    phase: "short",
    what: "the key of the repository is revoked in the store",
    disturbs: ["archiving", "repositories", "drill"],
    break: [
      {
        in: "store",
        run: `keep users.json </var/lib/object-store/iam/users.json
umask 077
sed 's/"secret":"[^"]*","role":"user"/"secret":"revoked","role":"user"/' "$kept/users.json" >/var/lib/object-store/iam/users.json
systemctl restart versitygw.service`,
      },
    ],
    repair: [
      {
        in: "store",
        run: `umask 077
[ ! -e "$kept/users.json" ] || { cat "$kept/users.json" >/var/lib/object-store/iam/users.json; rm -f "$kept/users.json"; }
systemctl restart versitygw.service`,
      },
    ],
    expect: [{ alert: "RepositoryUnreachable", hearer: "pager", detectSeconds: minutely + 25 }],
    silenceSeconds: 2 * minutely + 30,
  },
  {
    id: "offsite-takes-no-writes",
    phase: "short",
    what: "the off-site store can be read and not written",
    disturbs: ["archiving", "repositories", "drill"],
    break: [
      {
        in: "offsite",
        run: `cd /var/lib/object-store/data
mountpoint -q . || mount --bind . .
mount -o remount,bind,ro /var/lib/object-store/data
systemctl restart versitygw.service`,
      },
      { in: "primary", run: switchWal(1) },
    ],
    repair: [
      {
        in: "offsite",
        run: `systemctl stop versitygw.service
while mountpoint -q /var/lib/object-store/data; do umount /var/lib/object-store/data; done
systemctl start versitygw.service`,
      },
    ],
    // Until WAL has waited for long enough, the next look, and the questions to the repositories.
    expect: [
      {
        alert: "RepositorySuspended",
        labels: { instance: "{primary}", repo: "2" },
        hearer: "pager",
        detectSeconds: 60 + scraped,
      },
    ],
    silenceSeconds: 2 * minutely + 30,
  },
  {
    id: "hole-not-closed",
    phase: "short",
    what: "a repository has a hole, while the job that closes it does not run",
    disturbs: ["archiving", "repositories", "drill"],
    break: [
      {
        in: "primary",
        run: `systemctl stop restorable-archiving-close.timer
date +%s | runuser -u postgres -- tee /var/lib/postgresql/restorable/hole-2 >/dev/null`,
      },
    ],
    repair: [{ in: "primary", run: "systemctl start restorable-archiving-close.timer" }],
    expect: [
      {
        alert: "RepositoryHole",
        labels: { instance: "{primary}", repo: "2" },
        hearer: "pager",
        detectSeconds: 20 + scraped,
      },
    ],
    silenceSeconds: minutely + 60,
  },
];
