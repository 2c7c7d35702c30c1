# Metrics of a data node or the monitor: exporters on the container's own address, and the job that asks what no
# exporter knows. Settings: MAJOR METRICS_DIR ENV_FILE QUERIES UNITS; on a data node also DATABASE ROLE, elsewhere
# QUERIES is empty.
. /usr/local/lib/restorable/pg.sh
needed=prometheus-node-exporter
if [ -n "$QUERIES" ]; then needed="$needed prometheus-postgres-exporter"; fi
for program in $needed; do
  [ -x "/usr/bin/$program" ] || fail "no $program in this container: was it made from the prepared image?"
done
install -d -o postgres -g postgres -m 0755 "$METRICS_DIR"
install_file /etc/restorable/metrics.env 0644 root <<<"$ENV_FILE"

if [ -n "$QUERIES" ]; then
  id -u "$ROLE" >/dev/null 2>&1 || useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$ROLE"

  # The role comes from the primary. Everywhere else the step waits for it, so none is lost to a failover in between.
  granted() {
    [ "$(sql "$DATABASE" <<SQL
SELECT pg_has_role(rolname, 'pg_monitor', 'MEMBER') AND has_database_privilege(rolname, '$DATABASE', 'CONNECT')
  AND has_table_privilege(rolname, 'restorable.heartbeat', 'SELECT') FROM pg_roles WHERE rolname = '$ROLE'
SQL
)" = t ]
  }
  grant() {
    granted 2>/dev/null && return 0
    [ "$(sql postgres <<<'SELECT pg_is_in_recovery()')" = f ] || return 1
    # The heartbeat's own table, made here too for the right to read it. Without a wait for the standby, which would
    # have no end when there is none: the standby's own step sees that the role came.
    sql "$DATABASE" <<SQL
SET client_min_messages = warning;
SET synchronous_commit = local;
SELECT 'CREATE ROLE $ROLE LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$ROLE') \gexec
GRANT pg_monitor TO $ROLE;
GRANT CONNECT ON DATABASE "$DATABASE" TO $ROLE;
CREATE SCHEMA IF NOT EXISTS restorable;
CREATE TABLE IF NOT EXISTS restorable.heartbeat (at timestamptz PRIMARY KEY DEFAULT now());
GRANT USAGE ON SCHEMA restorable TO $ROLE;
GRANT SELECT ON restorable.heartbeat TO $ROLE;
ALTER DEFAULT PRIVILEGES IN SCHEMA restorable GRANT SELECT ON TABLES TO $ROLE;
SQL
    granted
  }
  wait_for 90 "role $ROLE is not there, or may not read what it has to" grant

  # What belongs to the application's tables, or says what our own queries say, is not asked for. The versions differ
  # in what they have, and refuse to turn off what they do not.
  collectors=''
  has=$(prometheus-postgres-exporter --help 2>&1 | grep -o -e '--collector\.[a-z_]*') || has=''
  for collector in stat_user_tables statio_user_tables statio_user_indexes roles wal; do
    if grep -qxF -e "--collector.$collector" <<<"$has"; then collectors+=" --no-collector.$collector"; fi
  done
  install_file /etc/restorable/postgres-exporter.env 0644 root <<<"COLLECTORS=\"${collectors# }\""
  install_file /etc/restorable/postgres-queries.yaml 0644 root <<<"$QUERIES"
fi

install_units "$UNITS"
for program in $needed; do
  if [ "$CHANGED" = 1 ]; then systemctl restart "$program.service"; else systemctl start "$program.service"; fi
done
# Nobody has to wait for the timer to see figures. A repository that does not answer is a figure, no failure here.
while IFS= read -r job; do
  systemctl start "$job.service" </dev/null || say "$job.service failed: see its journal"
done < <(sed -n 's|^# /etc/systemd/system/\(.*\)\.timer$|\1|p' <<<"$UNITS")
