# Creates the stanza from the primary and checks archiving; other nodes wait until they see it.
# Settings: MAJOR STANZA REPOSITORIES KEYS (other keys, another check)
. /usr/local/lib/restorable/pg.sh
pgbackrest() { as_postgres pgbackrest --stanza="$STANZA" --log-level-console=warn "$@"; }

# left_out NUMBER: out of archiving on this node, because it takes no WAL. It had the stanza before.
left_out() { [ -e "/var/lib/postgresql/restorable/suspended-$1" ]; }

# there NUMBER: the repository has the stanza; or it does not answer now, and was seen to have it, at this place.
there() {
  local answer place seen=/var/lib/postgresql/restorable/stanza-$1
  place=$(sed -n "/^repo$1-/p" /etc/pgbackrest/pgbackrest.conf | sha256sum)
  answer=$(pgbackrest --repo="$1" --output=json info) || return 1
  if jq -e '.[0].db | length > 0' <<<"$answer"; then
    printf '%s\n' "$STANZA $place" | as_postgres tee "$seen" >/dev/null || true
    return 0
  fi
  # 99: pgBackRest could not look.
  jq -e '[.[0].repo[]?.status.code] | index(99)' <<<"$answer" && [ "$(cat "$seen" 2>/dev/null)" = "$STANZA $place" ]
}

present() {
  local repo
  for repo in $REPOSITORIES; do
    left_out "$repo" || there "$repo" || return 1
  done
}

# archive-push of the segments that wait already holds the same lock for moments: exit 50 is no failure until it lasts.
create_stanza() {
  local status end=$((SECONDS + 120)) lines
  while :; do
    status=0
    lines=$(pgbackrest stanza-create 2>&1) || status=$?
    if [ "$status" != 50 ] || [ "$SECONDS" -ge "$end" ]; then break; fi
    sleep 1
  done
  [ -z "$lines" ] || printf '%s\n' "$lines" >&2
  return "$status"
}

decide() {
  role=''
  for _ in 1 2 3 4 5 6; do
    if role=$(as_postgres /usr/local/lib/restorable/node/role.sh); then return 0; fi
    sleep 5
  done
  fail "this node's role could not be decided"
}

# Tells one run of the server, in one role, from the next.
server() { as_postgres psql -XAtq -d postgres -c 'SELECT pg_postmaster_start_time(), pg_is_in_recovery()' 2>/dev/null || echo away; }

# Sets FAULT where it fails.
as_primary() {
  local repo
  if ! present >/dev/null 2>&1; then
    create_stanza || { FAULT="stanza $STANZA cannot be created"; return 1; }
    say "stanza $STANZA created"
  fi
  for repo in $REPOSITORIES; do
    if left_out "$repo"; then
      say "repository $repo takes no WAL and is left out of archiving: not checked"
      continue
    fi
    pgbackrest --config="/etc/pgbackrest/archiving/repo$repo.conf" --archive-timeout=60 check >&2 ||
      { FAULT="pgbackrest check failed: WAL does not reach repository $repo"; return 1; }
  done
  as_postgres /usr/local/lib/restorable/node/heartbeat.sh >&2 || { FAULT="the heartbeat cannot be written"; return 1; }
}

for attempt in 1 2 3; do
  decide
  case "$role" in
    primary)
      before=$(server)
      ! as_primary || break
      # A failure during a change of roles says nothing about the repositories.
      if [ "$attempt" = 3 ] || [ "$(server)" = "$before" ]; then fail "$FAULT"; fi
      say "$FAULT, but Postgres was restarted meanwhile: once more"
      ;;
    standby)
      wait_for 180 "no primary has created stanza $STANZA" present
      break
      ;;
  esac
done
