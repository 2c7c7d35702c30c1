#!/usr/bin/env bash
# Refuses a new pgBackRest configuration that would endanger backups which exist. It compares with what stands in
# the repository itself, and with the configuration in force on this node; it changes nothing.
#
# The info files are read with repo-get rather than `info`: with a wrong passphrase the latter ends with 0 and
# prints bytes that are no JSON, while repo-get has an exit code for it.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: backup-guard.sh WANTED_CONF WANTED_SECRETS
Run as postgres before the two files replace those in /etc/pgbackrest.

Refused, each with the setting that allows it:
  another cipher passphrase than the repository's   restorable:backup.allow.cipherChange          ALLOW_CIPHER_CHANGE=1
  another cluster than the repository's             restorable:backup.allow.newSystemIdentifier   ALLOW_NEW_SYSTEM_IDENTIFIER=1
  less retention than now                           restorable:backup.allow.retentionCut          ALLOW_RETENTION_CUT=1
  another place or stanza while the old one         restorable:backup.allow.pathChange            ALLOW_PATH_CHANGE=1
  holds backups that the new one does not

Exit: 0 nothing endangered; 1 refused; 2 wrong use; 4 a repository could not be asked, so nothing is known.

From the environment, or from /etc/restorable/backup.env: PGDATA, PG_MAJOR (for the cluster's system identifier).
  PGBACKREST_DIRECTORY    the configuration in force (/etc/pgbackrest)
  GUARD_TIMEOUT_SECONDS   how long one question to a repository may take (45)
TEXT
}

case ${1:-} in
  --help | -h)
    usage
    exit 0
    ;;
esac
if (($# != 2)); then
  usage >&2
  exit 2
fi

# shellcheck source=scripts/node/role.sh
. "$(dirname "${BASH_SOURCE[0]}")/role.sh"
if [[ -z ${PGDATA:-} || -z ${PG_MAJOR:-} ]]; then
  load_backup_env
fi
export LC_ALL=C

wanted_conf=$1
wanted_secrets=$2
old_directory=${PGBACKREST_DIRECTORY:-/etc/pgbackrest}
old_conf=$old_directory/pgbackrest.conf
refused=0

# Only decrypted copies of info files come here.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/include"
(umask 077 && cat "$wanted_secrets" >"$work/include/secrets.conf")

refuse() { # refuse MESSAGE SETTING VARIABLE
  if [[ ${!3:-0} == 1 ]]; then
    echo "warning: $1 (allowed by restorable:backup.allow.$2)" >&2
    return
  fi
  echo "refused: $1. If this is meant, set restorable:backup.allow.$2 to true." >&2
  refused=1
}

unknown() {
  echo "could not verify: $1" >&2
  exit 4
}

conf_value() { # conf_value FILE KEY: of the [global] section; empty when absent
  awk -F= -v key="$2" '/^\[/ { in_global = $0 == "[global]" } in_global && $1 == key { sub(/^[^=]*=/, ""); print; exit }' "$1"
}

conf_stanza() { # the first section that is no global one
  sed -n 's/^\[\(.*\)\]$/\1/p' "$1" | awk '!/^global/ { print; exit }'
}

conf_repositories() {
  sed -n 's/^repo\([0-9]*\)-type=.*/\1/p' "$1" | sort -nu
}

# Where a repository keeps a stanza.
conf_place() {
  local key place=()
  for key in type s3-endpoint storage-port s3-bucket path; do
    place+=("$(conf_value "$1" "repo$2-$key")")
  done
  echo "${place[*]} $(conf_stanza "$1")"
}

ask() { # ask old|wanted REPOSITORY COMMAND...
  local side=$1 repository=$2
  shift 2
  local conf=$wanted_conf include=$work/include
  if [[ $side == old ]]; then
    conf=$old_conf include=$old_directory/conf.d
  fi
  timeout -k 5 "${GUARD_TIMEOUT_SECONDS:-45}" pgbackrest --config="$conf" --config-include-path="$include" \
    --stanza="$(conf_stanza "$conf")" --repo="$repository" --io-timeout=10 \
    --log-level-console=off --log-level-file=off --log-level-stderr=error "$@"
}

# fetch_info old|wanted REPOSITORY: puts the decrypted backup.info at $work/info. Returns 1 when the repository
# holds nothing of this stanza, 2 when what it holds cannot be read with the passphrase; ends the script when it
# cannot be asked.
fetch_info() {
  local side=$1 repository=$2 stanza file listing name code holds=0
  stanza=$(conf_stanza "$([[ $side == old ]] && echo "$old_conf" || echo "$wanted_conf")")
  : >"$work/info"
  # The archive comes second: a stanza without backups may have WAL, and the passphrase guards both.
  for file in backup archive; do
    code=0
    listing=$(ask "$side" "$repository" repo-ls "$file/$stanza" 2>"$work/error") || code=$?
    ((code == 0)) || unknown "$side repository $repository: $(reason "$code")"
    for name in "$file.info" "$file.info.copy"; do
      grep -qxF "$name" <<<"$listing" || continue
      holds=1
      code=0
      ask "$side" "$repository" repo-get "$file/$stanza/$name" >"$work/info" 2>"$work/error" || code=$?
      # A key that happens to fit the padding gives bytes instead of an error.
      if ((code == 0)) && grep -qax '\[backrest\]' "$work/info"; then return 0; fi
      ((code == 0 || code == 95 || code == 29)) || unknown "$side repository $repository: $(reason "$code")"
    done
  done
  : >"$work/info"
  return $((holds + 1))
}

reason() {
  case $1 in
    124 | 137) echo "no answer within ${GUARD_TIMEOUT_SECONDS:-45} s (is its endpoint up and reachable from here?)" ;;
    *) echo "pgBackRest ended with $1: $(sed -n '1s/^ERROR: //p' "$work/error")" ;;
  esac
}

info_labels() { sed -n 's/^\([0-9]\{8\}-[0-9]\{6\}F[^=]*\)={.*/\1/p' "$work/info" | sort; }

info_system_identifier() { sed -n '/^\[db\]$/,/^\[/s/^db-system-id=//p' "$work/info"; }

cluster_system_identifier() {
  PATH="$PATH:/usr/lib/postgresql/$PG_MAJOR/bin" pg_controldata -D "$PGDATA" 2>/dev/null |
    sed -n 's/^Database system identifier: *//p'
}

check_wanted() { # check_wanted REPOSITORY
  local code=0 theirs ours
  fetch_info wanted "$1" || code=$?
  case $code in
    1) return ;;
    2)
      refuse "repository $1 holds backups of stanza $(conf_stanza "$wanted_conf") that the configured cipher passphrase does not open" \
        cipherChange ALLOW_CIPHER_CHANGE
      return
      ;;
  esac
  theirs=$(info_system_identifier)
  ours=$(cluster_system_identifier) || ours=''
  # A standby that is yet to be copied has no identifier; it will get the primary's.
  if [[ -n $ours && -n $theirs && $ours != "$theirs" ]]; then
    refuse "repository $1 holds backups of another cluster: system identifier $theirs there, $ours here" \
      newSystemIdentifier ALLOW_NEW_SYSTEM_IDENTIFIER
  fi
  check_retention "$1"
}

check_retention() { # check_retention REPOSITORY, with its info at hand
  local new fulls old_type new_type older
  new_type=$(conf_value "$wanted_conf" "repo$1-retention-full-type") new_type=${new_type:-count}
  new=$(conf_value "$wanted_conf" "repo$1-retention-full")
  if [[ -f $old_conf && -n $(conf_value "$old_conf" "repo$1-type") ]]; then
    old_type=$(conf_value "$old_conf" "repo$1-retention-full-type") old_type=${old_type:-count}
    # Days and numbers cannot be compared: what would go is counted instead, below.
    if [[ $old_type == "$new_type" ]]; then compare_retention "$1" "$new_type"; return; fi
  fi
  # A node without a configuration does not know what was kept; the repository shows it.
  if [[ $new_type == time ]]; then
    older=$(outlived "$new")
    if ((older > 0)); then
      refuse "repository $1 holds $older full backups that would go with $new days (retention-full)" retentionCut ALLOW_RETENTION_CUT
    fi
    return
  fi
  fulls=$(info_labels | grep -cx '[0-9]*-[0-9]*F') || true
  if ((fulls > ${new:-9999999})); then
    refuse "repository $1 holds $fulls full backups and would keep $new (retention-full)" retentionCut ALLOW_RETENTION_CUT
  fi
}

compare_retention() { # compare_retention REPOSITORY count|time: with the configuration in force
  local kind old new unit=''
  if [[ $2 == time ]]; then unit=' days'; fi
  for kind in full diff archive; do
    old=$(conf_value "$old_conf" "repo$1-retention-$kind")
    new=$(conf_value "$wanted_conf" "repo$1-retention-$kind")
    # Unset keeps everything.
    if ((${new:-9999999} < ${old:-9999999})); then
      refuse "repository $1 would keep ${new}${unit} instead of ${old:-all}${old:+$unit} (retention-$kind)" retentionCut ALLOW_RETENTION_CUT
    fi
  done
}

# outlived DAYS: how many full backups pgBackRest would expire by time: those that ended before the newest one that is
# itself older than so many days.
outlived() {
  local label at count=0 limit
  limit=$(date -u -d "-${1:-9999999} days" +%Y%m%d-%H%M%S)
  while IFS= read -r label; do
    at=${label%F}
    if [[ $at < $limit ]]; then count=$((count + 1)); fi
  done < <(info_labels | grep -x '[0-9]*-[0-9]*F')
  # The newest of them stays.
  echo $((count > 0 ? count - 1 : 0))
}

check_place() { # check_place REPOSITORY of the configuration in force
  local code=0 newest
  if [[ $(conf_place "$old_conf" "$1") == "$(conf_place "$wanted_conf" "$1")" ]]; then return; fi
  # Allowed means also that the old place need not be there any more.
  if [[ ${ALLOW_PATH_CHANGE:-0} == 1 ]]; then
    echo "warning: repository $1 moves (allowed by restorable:backup.allow.pathChange)" >&2
    return
  fi
  fetch_info old "$1" || code=$?
  ((code != 2)) || unknown "old repository $1 cannot be read with the passphrase in force"
  newest=$(info_labels | tail -n 1)
  if ((code == 1)) || [[ -z $newest ]]; then return; fi
  if [[ -z $(conf_value "$wanted_conf" "repo$1-type") ]]; then
    refuse "repository $1 holds backups and would no longer be used" pathChange ALLOW_PATH_CHANGE
    return
  fi
  # The same repository under another address is no move.
  code=0
  fetch_info wanted "$1" || code=$?
  if ((code == 0)) && grep -qxF "$newest" <<<"$(info_labels)"; then return; fi
  refuse "repository $1 would move from [$(conf_place "$old_conf" "$1")] to [$(conf_place "$wanted_conf" "$1")], which lacks the newest backup $newest" \
    pathChange ALLOW_PATH_CHANGE
}

# left_as_it_is REPOSITORY: it does not answer, and nothing that is said of it changes. Not to ask it then endangers
# nothing, and all other settings can still be changed during its outage.
left_as_it_is() {
  local said
  said=$(sed -n "/^repo$1-/p" "$old_conf" "$old_directory"/conf.d/*.conf 2>/dev/null | sort)
  [[ -f $old_conf && -n $said && $said == "$(sed -n "/^repo$1-/p" "$wanted_conf" "$wanted_secrets" | sort)" &&
    $(conf_stanza "$old_conf") == "$(conf_stanza "$wanted_conf")" ]] || return 1
  if [[ ! -e ${STATE_DIRECTORY:-/var/lib/postgresql/restorable}/suspended-$1 ]] &&
    ask wanted "$1" repo-ls "backup/$(conf_stanza "$wanted_conf")" >/dev/null 2>&1; then
    return 1
  fi
  echo "repository $1 does not answer, and its settings stay as they are: not checked" >&2
}

for repository in $(conf_repositories "$wanted_conf"); do
  left_as_it_is "$repository" || check_wanted "$repository"
done
if [[ -f $old_conf ]]; then
  for repository in $(conf_repositories "$old_conf"); do
    check_place "$repository"
  done
fi
exit "$refused"
