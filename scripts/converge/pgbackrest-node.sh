# pgBackRest on one data node: configuration, secrets, archiving, timers, heartbeat.
# Settings: MAJOR STANZA REPOSITORIES DATABASE CONF STORE_CA ARCHIVE_TIMEOUT METRICS_DIR UNITS
#           SUSPEND_AFTER RESUME_AFTER PROBE FILL
#           ALLOW_RETENTION_CUT ALLOW_CIPHER_CHANGE ALLOW_NEW_SYSTEM_IDENTIFIER ALLOW_PATH_CHANGE. Secrets: SECRETS_CONF
. /usr/local/lib/restorable/pg.sh
data=$home/$MAJOR/pgaf/node
install -d -o postgres -g postgres -m 0750 /etc/pgbackrest /etc/pgbackrest/conf.d /var/spool/pgbackrest /var/log/pgbackrest
install -d -o postgres -g postgres -m 0700 /run/restorable-guard
trap 'rm -rf /run/restorable-guard' EXIT
if [ -n "$STORE_CA" ]; then install_file /etc/pgbackrest/store-ca.crt 0644 root <<<"$STORE_CA"; fi
# What would endanger existing backups is refused before anything is written.
(umask 077; printf '%s\n' "$CONF" >/run/restorable-guard/pgbackrest.conf; printf '%s\n' "$SECRETS_CONF" >/run/restorable-guard/secrets.conf)
chown postgres:postgres /run/restorable-guard/*
status=0
as_postgres env PGDATA="$data" PG_MAJOR="$MAJOR" ALLOW_RETENTION_CUT="$ALLOW_RETENTION_CUT" ALLOW_CIPHER_CHANGE="$ALLOW_CIPHER_CHANGE" \
  ALLOW_NEW_SYSTEM_IDENTIFIER="$ALLOW_NEW_SYSTEM_IDENTIFIER" ALLOW_PATH_CHANGE="$ALLOW_PATH_CHANGE" \
  /usr/local/lib/restorable/node/backup-guard.sh /run/restorable-guard/pgbackrest.conf /run/restorable-guard/secrets.conf >&2 || status=$?
case "$status" in
  0) ;;
  4) fail "could not verify that existing backups stay safe, so nothing was changed: is the repository's store reachable?" ;;
  *) fail "refused: existing backups would be endangered (the lines above say how, and which setting overrides it)" ;;
esac

install_file /etc/restorable/backup.env 0644 root <<ENV
STANZA=$STANZA
REPOSITORIES="$REPOSITORIES"
PGDATA=$data
DATABASE=$DATABASE
PG_MAJOR=$MAJOR
SUSPEND_AFTER_SECONDS=$SUSPEND_AFTER
RESUME_AFTER_SECONDS=$RESUME_AFTER
PROBE_SECONDS=$PROBE
FILL_SEGMENTS=$FILL
ENV

install_file /etc/pgbackrest/pgbackrest.conf 0600 postgres <<<"$CONF"
install_file /etc/pgbackrest/conf.d/secrets.conf 0600 postgres <<<"$SECRETS_CONF"

# The jobs write their metrics as postgres.
[ -d "$METRICS_DIR" ] || install -d -o postgres -g postgres -m 0755 "$METRICS_DIR"

# archive_command's text is always the same; what it reads is written by the job that leaves dead repositories out. Not
# tracked: it may change at any time.
as_postgres env METRICS_DIRECTORY="$METRICS_DIR" /usr/local/lib/restorable/node/archiving-watch.sh --render >&2 ||
  fail "the configuration for archiving cannot be written"

# By ALTER SYSTEM, so that a person sees it in pg_settings with its source; alike on all nodes. Postgres may be on its way
# from one role to the other just then.
archiving_set() {
  sql postgres <<SQL
ALTER SYSTEM SET archive_command = 'pgbackrest --config=/etc/pgbackrest/archiving/push.conf --stanza=$STANZA archive-push "%p"';
ALTER SYSTEM SET archive_timeout = '${ARCHIVE_TIMEOUT}s';
SELECT pg_reload_conf() \g /dev/null
SQL
}
wait_for 90 "Postgres does not take archive_command" archiving_set
[ "$(sql postgres <<<'SHOW archive_mode')" = on ] || fail "archive_mode is not on: another setting overrides restorable.conf"

remove_other_units "$UNITS" 'pgbackrest-full-repo*' 'pgbackrest-diff-repo*'
install_units "$UNITS"
