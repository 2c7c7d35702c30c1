# shellcheck shell=bash
# Which repositories archive_command pushes to, and what is known of the others. Sourced by the jobs that have to do with
# archiving, after load_backup_env. Nothing here asks a repository or Postgres.
#
# State, in $STATE_DIRECTORY (on the data volume, so that it outlives restarts and the container), for repository N:
#   suspended-N   taken out of archiving: `SINCE`, seconds since the epoch
#   hole-N        WAL is missing there, or may be: `SINCE FIRST_SEGMENT`
#   returned-N    since when it takes WAL again while suspended: `SINCE NEXT_SEGMENT`
#   closed-N      when its last hole was closed: `AT`
#
# Configurations, in $PGBACKREST_DIRECTORY/archiving, made from pgbackrest.conf and conf.d by leaving lines out:
#   push.conf     what archive_command reads: all repositories that are not suspended
#   repoN.conf    repository N alone

: "${REPOSITORIES:?not set in backup.env}"
state=${STATE_DIRECTORY:-/var/lib/postgresql/restorable}
pgbackrest_directory=${PGBACKREST_DIRECTORY:-/etc/pgbackrest}
archiving=$pgbackrest_directory/archiving

# lock_state [FLOCK OPTION...]: until the process ends or unlock_state; what the jobs change together, they change in turns.
lock_state() {
  mkdir -p "$state"
  exec {state_lock}>"$state/archiving.lock"
  flock "$@" "$state_lock"
}
unlock_state() { exec {state_lock}>&-; }

# put FILE <text, at once or not at all; only when it says something else. MODE is 0644 unless given.
put() {
  local new
  new=$(mktemp "$1.XXXXXX") || return 1
  cat >"$new"
  if cmp -s "$new" "$1"; then
    rm -f "$new"
    return
  fi
  chmod "${2:-0644}" "$new"
  mv -f "$new" "$1"
}

suspended() { [[ -e $state/suspended-$1 ]]; }
has_hole() { [[ -e $state/hole-$1 ]]; }

# archiving_to: numbers of the repositories that archive_command pushes to.
archiving_to() {
  local number there=()
  for number in $REPOSITORIES; do suspended "$number" || there+=("$number"); done
  echo "${there[*]}"
}

# conf_of "NUMBER...": the configuration in force, of these repositories only.
conf_of() {
  cat "$pgbackrest_directory/pgbackrest.conf" "$pgbackrest_directory"/conf.d/*.conf |
    awk -v keep=" $1 " 'match($0, /^repo[0-9]+-/) && !index(keep, " " substr($0, 5, RLENGTH - 5) " ") { next } { print }'
}

# conf_to_push "NUMBER...": the same for archive_command. Another set of repositories has a spool and a lock of its own:
# "pushed", noted while one was left out, must never be read as "pushed to all", and a push that hangs on a dead
# repository must not keep the next one waiting.
conf_to_push() {
  local name=${1// /-}
  if [[ $1 == "$REPOSITORIES" ]]; then
    conf_of "$1"
  else
    conf_of "$1" | sed "s|^spool-path=.*|&/only-$name|"
    printf '[global]\nlock-path=/tmp/pgbackrest/only-%s\n' "$name"
  fi
}

# render_archiving: writes the configurations as settings and state want them. Fails when pgbackrest.conf is not there.
render_archiving() {
  local number to file spool
  to=$(archiving_to)
  # State that would leave nothing is none that this script made.
  [[ -n $to ]] || to=$REPOSITORIES
  [[ -r $pgbackrest_directory/pgbackrest.conf ]] || return 1
  (umask 077 && mkdir -p "$archiving") || return 1
  for number in $REPOSITORIES; do
    # Without a limit on the queue: what is pushed with it is to arrive, and nothing else may be given up meanwhile.
    conf_of "$number" | sed '/^archive-push-queue-max=/d' | put "$archiving/repo$number.conf" 0600 || return 1
  done
  conf_to_push "$to" | put "$archiving/push.conf" 0600 || return 1
  spool=$(sed -n 's/^spool-path=//p' "$archiving/push.conf")
  [[ -z $spool ]] || mkdir -p "$spool" || return 1
  for file in "$archiving"/repo*.conf "$state"/{suspended,hole,returned,closed}-*; do
    [[ -e $file ]] || continue
    number=${file%.conf}
    number=${number##*[!0-9]}
    [[ " $REPOSITORIES " == *" $number "* ]] || rm -f "$file"
  done
}

# archiving_metrics: written anew at each look, so that its age tells whether anybody looks.
archiving_metrics() {
  local folder=${METRICS_DIRECTORY:-/var/lib/node_exporter/textfile_collector} new
  new=$(mktemp "$folder/.restorable_archiving.prom.XXXXXX") || return 1
  {
    archiving_series archiving "1 if archive_command pushes to the repository, 0 while it is taken out." archiving_value
    archiving_series suspended_timestamp_seconds "Since when the repository is taken out of archiving; 0 when it is not." since_of suspended
    archiving_series hole "1 while WAL is missing in the repository, or not known to be there." hole_value
    archiving_series hole_closed_timestamp_seconds "When the last hole in the repository was closed; 0 if never." since_of closed
  } >"$new"
  chmod 0644 "$new"
  mv -f "$new" "$folder/restorable_archiving.prom"
}

# archiving_series NAME HELP COMMAND...: the command gets the repository's number and prints the value.
archiving_series() {
  local name=restorable_repository_$1 help=$2 number
  shift 2
  printf '# HELP %s %s\n# TYPE %s gauge\n' "$name" "$help" "$name"
  for number in $REPOSITORIES; do
    printf '%s{stanza="%s",repo="%s"} %s\n' "$name" "$STANZA" "$number" "$("$@" "$number")"
  done
}
archiving_value() { if suspended "$1"; then echo 0; else echo 1; fi; }
hole_value() { if has_hole "$1"; then echo 1; else echo 0; fi; }

# since_of WHAT NUMBER: the first field of the state, 0 without it.
since_of() {
  local since=0
  if [[ -r $state/$1-$2 ]]; then read -r since _ <"$state/$1-$2" || true; fi
  if [[ $since =~ ^[0-9]+$ ]]; then echo "$since"; else echo 0; fi
}
