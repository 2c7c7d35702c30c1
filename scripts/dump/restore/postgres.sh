# shellcheck shell=bash disable=SC2154
# All databases and roles, back into a Postgres in Docker.

# Not each of its thousands of statements waits for the disk: all of it does at the end. Its errors are found by their English
# names, whichever language the container speaks.
replay() { docker exec -i -e LC_ALL=C -e PGOPTIONS='-c synchronous_commit=off -c lc_messages=C' "$CONTAINER" psql -X -q -U "$DUMP_USER" -d postgres -f -; }
dump_psql() { docker exec -i "$CONTAINER" psql -X -q -U "$DUMP_USER" "$@"; }
ask_psql() { dump_psql -At -v ON_ERROR_STOP=1 -d template1 "$@" </dev/null; }

# databases_in <SQL: names, as the dump's own comments have them; rows may look like anything.
databases_in() {
  awk '
    /^COPY .* FROM stdin;$/ { rows = 1 }
    /^\\[.]$/ { rows = 0 }
    !rows && /^-- Database ".*" dump$/ { sub(/^-- Database "/, ""); sub(/" dump$/, ""); print }
  '
}

# Sets TAKEN: databases that the dump holds and that are there, one a line. `postgres` counts once somebody uses it.
target() {
  local used
  gzip -dc "$FILE" | databases_in | grep -vxF -e template1 | LC_ALL=C sort -u >"$work/dumped" || true
  ask_psql -c "SELECT datname FROM pg_database WHERE NOT datistemplate" | LC_ALL=C sort >"$work/there" || return 1
  used=$(dump_psql -At -v ON_ERROR_STOP=1 -d postgres -c "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'S', 'v', 'm') AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'" </dev/null) || used=0
  TAKEN=$(LC_ALL=C comm -12 "$work/dumped" "$work/there")
  if [ "$used" = 0 ]; then TAKEN=$(grep -vxF -e postgres <<<"$TAKEN") || TAKEN=''; fi
  echo "it holds the databases $(paste -sd' ' "$work/dumped"), and the roles with their passwords"
  if [ -z "$TAKEN" ]; then
    echo "none of them is there: nothing is in the way"
  else
    echo "not empty: $(paste -sd' ' <<<"$TAKEN") will be renamed to NAME_before_$NOW, sessions ended; nothing is deleted"
  fi
}

ASIDE=()
# set_aside DATABASE: where that does not work, it is open again under its own name.
set_aside() {
  local aside="${1:0:41}_before_$NOW"
  if ! renamed "$1" "$aside"; then
    dump_psql -v name="$1" -d template1 <<<'ALTER DATABASE :"name" ALLOW_CONNECTIONS true;' || true
    return 1
  fi
  ASIDE+=("$1")
  echo "$1 is now $aside"
  # The dump takes it for granted.
  [ "$1" != postgres ] || ask_psql -c 'CREATE DATABASE postgres TEMPLATE template0'
}

# put_back: what was set aside gets its name again.
put_back() {
  local name aside
  for name in ${ASIDE[@]+"${ASIDE[@]}"}; do
    aside="${name:0:41}_before_$NOW"
    [ "$name" != postgres ] || ask_psql -c 'DROP DATABASE postgres' || true
    dump_psql -v ON_ERROR_STOP=1 -v name="$name" -v aside="$aside" -d template1 <<<'ALTER DATABASE :"aside" RENAME TO :"name";' ||
      echo "$name is still called $aside" >&2
  done
}

# renamed DATABASE NAME
renamed() {
  dump_psql -v ON_ERROR_STOP=1 -v name="$1" -v aside="$2" -d template1 <<'SQL' >/dev/null
ALTER DATABASE :"name" ALLOW_CONNECTIONS false;
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :'name';
ALTER DATABASE :"name" RENAME TO :"aside";
ALTER DATABASE :"aside" ALLOW_CONNECTIONS true;
SQL
}

# The directory of the data, where Docker knows it.
anew_hint() {
  local mount
  mount=$(docker inspect -f '{{range .Mounts}}{{.Source}} ({{.Destination}}) {{end}}' "$CONTAINER" 2>/dev/null)
  echo "If the replay goes on to misbehave: docker stop $CONTAINER, move what is in its data directory${mount:+ (its mounts: ${mount% })} aside (the databases *_before_* are in there and nowhere else), docker start $CONTAINER, and run this again. Remove the old one only after a restore that is good." >&2
}

load() {
  local name errors
  while IFS= read -r name; do
    [ -z "$name" ] || set_aside "$name" || { put_back; echo "$name could not be set aside: nothing was replayed" >&2; return 1; }
  done <<<"$TAKEN"
  gzip -dc "$FILE" | replay >/dev/null 2>"$work/errors" || {
    tail -n 5 "$work/errors" >&2
    echo "the replay broke off" >&2
    anew_hint
    return 1
  }
  ask_psql -c CHECKPOINT || return 1
  # Roles that are there stay, and get what the dump says of them.
  errors=$(grep -E 'ERROR:|FATAL:|PANIC:|error:' "$work/errors" | grep -vE 'ERROR:  role ".*" already exists$') || errors=''
  ask_psql -c "SELECT datname FROM pg_database WHERE NOT datistemplate" | LC_ALL=C sort >"$work/there" || return 1
  name=$(LC_ALL=C comm -23 "$work/dumped" "$work/there" | paste -sd' ')
  if [ -n "$errors$name" ]; then
    head -n 10 <<<"$errors" >&2
    [ -z "$name" ] || echo "not there after it: $name" >&2
    echo "the dump did not go in whole" >&2
    anew_hint
    return 1
  fi
  echo "restored: $(paste -sd' ' "$work/dumped")${TAKEN:+; drop the databases *_before_$NOW when nobody needs them}"
}
