# shellcheck shell=bash disable=SC2153
# The drill's container on the Incus host: what was left behind, launch, files, tear-down.

LAUNCHED=n LAUNCHING=n KEPT="" NETWORK_WAIT_SECONDS=60

# The lock is not for children: a drill that is killed must not leave it with an `incus` that lives on.
ic() { incus --quiet --project "$INCUS_PROJECT" "$@" 9>&- </dev/null; }

# Runs a command in the background of the shell and waits, so that a signal is handled at once.
attended() {
  local rc=0
  "$@" 9>&- &
  CHILD=$!
  wait "$CHILD" || rc=$?
  CHILD=""
  return "$rc"
}

# Part of the drill inside the container, as postgres. Nothing secret is in these arguments. What Postgres starts there
# to get WAL inherits the target time too.
inside() {
  ic exec "$CONTAINER" --cwd / -- runuser -u postgres -- env \
    DRILL_STANZA="$STANZA" DRILL_REPO="$REPO" DRILL_DATA="$PG_PATH" DRILL_MAJOR="$PG_MAJOR" \
    ${REPO_TARGET:+"PGBACKREST_REPO_TARGET_TIME=$REPO_TARGET" "PGBACKREST_REPO=$REPO"} \
    bash /run/restorable-drill/inside.sh "$@"
}

# As `inside`, with an SQL text ($2) on stdin of psql for database $1.
inside_sql() {
  incus --quiet --project "$INCUS_PROJECT" exec "$CONTAINER" --cwd / -- runuser -u postgres -- env \
    DRILL_STANZA="$STANZA" DRILL_REPO="$REPO" DRILL_DATA="$PG_PATH" DRILL_MAJOR="$PG_MAJOR" \
    bash /run/restorable-drill/inside.sh query "$1" <<<"$2" 9>&-
}

# One request to the store from the container: $1 method, $2 path. The key stays in there.
inside_request() {
  ic exec "$CONTAINER" --cwd / -- runuser -u postgres -- env DRILL_REPO="$REPO" bash /run/restorable-drill/request.sh "$@"
}

preflight_tools() {
  local tool
  command -v incus >/dev/null || verdict unverified incus_missing "incus is not installed on this host"
  for tool in jq awk sed grep mktemp comm shuf paste; do
    command -v "$tool" >/dev/null || verdict unverified tool_missing "$tool is not installed on this host"
  done
}

preflight_incus() {
  attended ic list --format csv -c n >"$WORK/list" 2>"$WORK/err" ||
    verdict unverified incus_unavailable "incus does not answer for project $INCUS_PROJECT: $(headline "$(cat "$WORK/err")")"
}

preflight() {
  local file
  preflight_tools
  for file in "$REPO_CONF" "$SECRETS_CONF"; do
    [ -r "$file" ] || verdict unverified config_missing "$file is missing"
  done
  # Only the drilled repository may be configured: nothing else can be read, or reached, by the copy.
  if grep -hoE '^[[:space:]]*repo[0-9]+-' "$REPO_CONF" "$SECRETS_CONF" | grep -qvE "repo$REPO-"; then
    verdict unverified config_invalid "$REPO_CONF or $SECRETS_CONF names a repository other than repo$REPO"
  fi
  preflight_incus
}

# Exit 0 it is there, 1 it is not, 2 Incus does not say.
exists() {
  local names
  names="$(ic list --format csv -c n 2>/dev/null)" || return 2
  grep -qxF "$1" <<<"$names"
}

# Containers that --keep left behind: one name per line.
kept_names() { ic list --format csv -c n 2>/dev/null | grep -E "^$CONTAINER-kept-" || true; }

# Gives the container its kept name. Incus renames stopped containers only.
keep_container() {
  local name at
  at="$(date -u +%Y%m%dt%H%M%Sz)"
  name="$CONTAINER-kept-$at"
  ic stop "$CONTAINER" --force >/dev/null 2>&1 || true
  ic config set "$CONTAINER" "user.restorable.kept-at=$(date +%s)" >/dev/null 2>&1 || true
  ic rename "$CONTAINER" "$name" && KEPT="$name"
}

# What a crashed run left is removed; what was meant to be kept gets its kept name, and goes after its time.
clear_leftovers() {
  local name at now removed=() note=""
  now="$(date +%s)"
  for name in $(kept_names); do
    at="$(ic config get "$name" user.restorable.kept-at 2>/dev/null || true)"
    if [ -n "$at" ] && [ $((now - at)) -lt $((KEEP_EXPIRY_HOURS * 3600)) ]; then continue; fi
    # A kept container without its time has not been through keep_container: its time starts now.
    if [ -z "$at" ]; then ic config set "$name" "user.restorable.kept-at=$now"; continue; fi
    ic delete --force "$name" && removed+=("$name")
  done
  [ "${#removed[@]}" = 0 ] || note="removed after ${KEEP_EXPIRY_HOURS} h: ${removed[*]}; "
  if exists "$CONTAINER"; then
    if [ "$(ic config get "$CONTAINER" user.restorable.keep 2>/dev/null || true)" = y ]; then
      keep_container || verdict unverified leftover_stuck "the kept $CONTAINER cannot be renamed"
      note+="$CONTAINER was kept: now $KEPT; "
      KEPT=""
    else
      ic delete --force "$CONTAINER" || verdict unverified leftover_stuck "the old $CONTAINER cannot be removed"
      note+="removed $CONTAINER of an earlier run; "
    fi
  fi
  note="${note%; }"
  step_end "${note:-none}"
}

# $1 image. Exit code and $WORK/err are those of `incus launch`.
launch_from() {
  local args=(-c "limits.cpu=$CPU" -c "limits.memory=$MEMORY" -c user.restorable.drill="$STANZA")
  [ -z "$STORAGE_POOL" ] || args+=(--storage "$STORAGE_POOL")
  [ -z "$NETWORK" ] || args+=(--network "$NETWORK")
  # An ephemeral container is gone after a crash of the host; a kept one must survive its stop.
  if [ "$KEEP" = y ]; then args+=(-c user.restorable.keep=y); else args+=(--ephemeral); fi
  LAUNCHED=y LAUNCHING=y
  attended ic launch "$1" "$CONTAINER" "${args[@]}" >/dev/null 2>"$WORK/err" || return
  LAUNCHING=n
}

# A launch goes on in the daemon when its client is killed: a signal in the middle waits for its end,
# or the container would appear after the tear-down.
settle_launch() {
  local i
  [ "$LAUNCHING" = y ] || return 0
  for ((i = 0; i < 300; i++)); do
    [ -n "$CHILD" ] && kill -0 "$CHILD" 2>/dev/null || return 0
    sleep 0.2
  done
}

launch() {
  local image="$IMAGE" text
  if ! ic image info "$IMAGE" >/dev/null 2>&1 && [ -n "$FALLBACK_IMAGE" ]; then
    image="$FALLBACK_IMAGE"
    say "     image $IMAGE is missing: $FALLBACK_IMAGE, with the packages installed now"
  fi
  if ! launch_from "$image"; then
    text="$(cat "$WORK/err")"
    case "$text" in
      *"o space left"* | *"isk quota exceeded"*) verdict unverified disk_too_small "$(headline "$text")" ;;
      *"Project not found"*) verdict unverified project_missing "$(headline "$text")" ;;
      *[Ii]mage*"not found"* | *"ailed getting image"* | *"ailed getting remote"* | *"Image "*)
        verdict unverified image_missing "no image $IMAGE${FALLBACK_IMAGE:+ nor $FALLBACK_IMAGE}: $(headline "$text")" ;;
      *) verdict unverified launch_failed "$(headline "$text")" ;;
    esac
  fi
  if ! attended wait_network; then
    if [ "$(ic list --format csv -c ns 2>/dev/null | grep "^$CONTAINER,")" != "$CONTAINER,RUNNING" ]; then
      verdict unverified launch_failed "$CONTAINER stopped right after its start"
    fi
    verdict unverified network_missing "no IPv4 route in $CONTAINER after $NETWORK_WAIT_SECONDS s"
  fi
  step_end "$CONTAINER from $image"
}

wait_network() {
  local until=$((SECONDS + NETWORK_WAIT_SECONDS)) state=""
  while [ "$SECONDS" -lt "$until" ]; do
    if ic exec "$CONTAINER" -- sh -c 'ip -4 route show default | grep -q .' >/dev/null 2>"$WORK/err"; then return 0; fi
    state="$(ic list --format csv -c ns 2>/dev/null | grep "^$CONTAINER,")" || return 1
    [ "$state" = "$CONTAINER,RUNNING" ] || return 1
    sleep 0.2
  done
  return 1
}

# Packages of a base image. $PACKAGE_SOURCE is an apt source line, when newer ones are wanted.
install_packages() {
  incus --quiet --project "$INCUS_PROJECT" exec "$CONTAINER" -- bash -s -- "$PG_MAJOR" "$PACKAGE_SOURCE" \
    >"$WORK/apt" 2>&1 9>&- <<'IN'
set -eu
export DEBIAN_FRONTEND=noninteractive
[ -z "$2" ] || printf '%s\n' "$2" >/etc/apt/sources.list.d/restorable.list
apt-get update -q
mkdir -p /etc/postgresql-common/createcluster.d
printf 'create_main_cluster = false\n' >/etc/postgresql-common/createcluster.d/restorable.conf
apt-get install -y -q --no-install-recommends "postgresql-$1" pgbackrest curl ca-certificates
IN
}

# $1 source, $2 path in the container, $3 mode
push() {
  ic file push --uid "$PG_UID" --gid "$PG_GID" --mode "$3" "$1" "$CONTAINER$2" 2>"$WORK/err" ||
    verdict unverified push_failed "$2: $(headline "$(cat "$WORK/err")")"
}

prepare() {
  local note="packages of the image" ids
  if ! ic exec "$CONTAINER" -- sh -c "command -v pgbackrest && test -x /usr/lib/postgresql/$PG_MAJOR/bin/postgres" \
    >/dev/null 2>&1; then
    note="packages installed"
    attended install_packages ||
      verdict unverified packages_unavailable "$(headline "$(grep -E '^E:' "$WORK/apt" || tail -n 1 "$WORK/apt")")"
  fi
  ids="$(ic exec "$CONTAINER" -- sh -c 'id -u postgres; id -g postgres')" ||
    verdict unverified launch_failed "no user postgres in $CONTAINER"
  PG_UID="${ids%%$'\n'*}" PG_GID="${ids##*$'\n'}"
  # shellcheck disable=SC2016 # the container's shell expands it
  ic exec "$CONTAINER" -- sh -c '
    install -d -o postgres -g postgres -m 0700 /etc/pgbackrest /etc/pgbackrest/conf.d /run/restorable-drill "$0"
    install -d -o postgres -g postgres -m 0750 /var/spool/pgbackrest /var/log/pgbackrest' "$PG_PATH" \
    2>"$WORK/err" || verdict unverified push_failed "$(headline "$(cat "$WORK/err")")"
  push "$LIB/inside.sh" /run/restorable-drill/inside.sh 0700
  push "$LIB/request.sh" /run/restorable-drill/request.sh 0700
  push "$REPO_CONF" /etc/pgbackrest/pgbackrest.conf 0600
  push "$SECRETS_CONF" /etc/pgbackrest/conf.d/secrets.conf 0600
  [ ! -r "$CA_FILE" ] || push "$CA_FILE" /etc/pgbackrest/store-ca.crt 0644
  step_end "$note, configuration of repo$REPO only"
}

# Removes the container, or gives it its kept name. Exit 1 if it is still there.
teardown() {
  [ "$LAUNCHED" = y ] || return 0
  local there=0
  exists "$CONTAINER" || there=$?
  [ "$there" != 1 ] || return 0
  if [ "$KEEP" = y ]; then
    inside stop >/dev/null 2>&1 || true
    keep_container
  else
    ic delete --force "$CONTAINER" >/dev/null 2>&1 && return 0
    # An ephemeral container may have gone by itself in between.
    there=0
    exists "$CONTAINER" || there=$?
    [ "$there" = 1 ]
  fi
}
