# Shared by the converge steps that run in a Postgres container.
# Needs MAJOR; gives bin, home and functions.
# shellcheck disable=SC2034
bin=/usr/lib/postgresql/$MAJOR/bin
home=/var/lib/postgresql
[ -x "$bin/postgres" ] || fail "no PostgreSQL $MAJOR in this container: was it made from the prepared image?"

as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups env -C "$home" HOME="$home" PATH="$bin:/usr/bin:/bin" "$@"; }

# sql DATABASE <statements: on the local server, by peer authentication.
sql() { as_postgres psql -X -q -At -v ON_ERROR_STOP=1 -d "$1"; }

# A statement with a password in it must not reach a server log.
unlogged="SET log_statement = none; SET log_min_duration_statement = -1; SET log_min_error_statement = panic; SET password_encryption = 'scram-sha-256';"

sql_literal() { printf "'%s'" "${1//\'/\'\'}"; }

# prepare_home: the data volume, mounted over the home directory, belongs to postgres.
prepare_home() {
  install -d -o postgres -g postgres -m 0755 "$home"
  install -d -o postgres -g postgres -m 0755 "$home/$MAJOR" "$home/$MAJOR/pgaf"
}

# refuse_other_major KIND: a cluster of another major version is not replaced by an empty one.
refuse_other_major() {
  local found
  for found in "$home"/*/pgaf/"$1"/PG_VERSION; do
    if [ ! -s "$found" ] || [ "$(cat "$found")" = "$MAJOR" ]; then continue; fi
    fail "this container holds a cluster of PostgreSQL $(cat "$found"), and postgres.major is $MAJOR: changing the setting is no upgrade"
  done
}

# install_settings DATA_DIR: our settings, read last so that they win over pg_autoctl's.
install_settings() {
  install_file "$1/restorable.conf" 0600 postgres <<<"$SETTINGS"
  grep -qx "include_if_exists = 'restorable.conf'" "$1/postgresql.conf" || echo "include_if_exists = 'restorable.conf'" >>"$1/postgresql.conf"
}

start_unit() {
  install_units "$UNITS"
  systemctl is-active -q pg_autoctl.service || say "starting pg_autoctl"
  systemctl start pg_autoctl.service
}

accepts() { as_postgres pg_isready -q; }
