# shellcheck shell=bash
# A formation brought back from a repository: sourced by step pg-recover, after pg.sh.
# Needs MAJOR STANZA REPOSITORY, home, bin; work (a folder of its own, mode 0700).

# recover_decision OWN WANTED PEERS LISTED REPORTING ANSWERING
#   OWN        system identifier of the cluster in this node's data directory; empty when there is none
#   WANTED     system identifier of the newest cluster in the repository
#   PEERS      `NAME=SYSTEM_IDENTIFIER` of each other data node's data directory, the identifier empty when there is none
#   LISTED     names of other nodes on the monitor     REPORTING  those that reported within the last half minute
#   ANSWERING  addresses of other nodes whose Postgres answers
# Prints a word, and for all but `restore` the reason after a blank: restore, nothing, refuse.
recover_decision() {
  local own=$1 wanted=$2 peers=$3 listed=$4 reporting=$5 answering=$6 peer name
  if [ -n "$own" ]; then
    if [ "$own" = "$wanted" ]; then
      echo "nothing the data of cluster $wanted is here"
    else
      echo "refuse this node holds cluster $own, and the repository's is $wanted: recoverFrom restores into an empty formation only. When its data is not needed, delete container and data volume; otherwise take recoverFrom away"
    fi
    return
  fi
  for peer in $peers; do
    case "${peer#*=}" in
      '' | "$wanted") ;;
      *)
        echo "refuse node ${peer%%=*} holds cluster ${peer#*=}, and the repository's is $wanted: recoverFrom restores into an empty formation only. When its data is not needed, delete its container and data volume; otherwise take recoverFrom away (docs/rebuild.md)"
        return
        ;;
    esac
  done
  if [ -n "$reporting" ]; then
    echo "nothing the formation lives (${reporting% }): this node comes back from the others"
    return
  fi
  for peer in $peers; do
    name=${peer%%=*}
    [ -n "${peer#*=}" ] || continue
    case " $listed " in
      *" $name "*) echo "nothing node $name holds the formation's data: this node comes back from it" ;;
      *) echo "refuse node $name holds cluster ${peer#*=}, which the monitor does not know: recoverFrom restores into an empty formation only. When its data is not needed, delete its container and data volume; otherwise take recoverFrom away (docs/rebuild.md)" ;;
    esac
    return
  done
  if [ -n "$answering" ]; then
    echo "refuse a Postgres answers at ${answering% }, where this formation's nodes belong: recoverFrom restores into an empty formation only"
    return
  fi
  echo restore
}

# system_identifier DATA: of a data directory; nothing when there is no cluster in it.
system_identifier() {
  [ -s "$1/PG_VERSION" ] || return 0
  as_postgres "$bin/pg_controldata" -D "$1" | sed -n 's/^Database system identifier: *//p'
}

# pgbr COMMAND...: on the one repository that is configured for the recovery.
pgbr() {
  as_postgres pgbackrest --config="$work/pgbackrest.conf" --config-include-path="$work/conf.d" --stanza="$STANZA" \
    --repo="$REPOSITORY" --log-level-file=off "$@"
}

# repository_facts: sets WANTED (system identifier), ARCHIVE_ID, ARCHIVE_NEWEST (name of a segment), VERSION.
repository_facts() {
  local answer
  answer=$(pgbr --log-level-console=off --log-level-stderr=error --output=json info) || return 1
  answer=$(jq -er --argjson n "$REPOSITORY" '.[0]
    | ([.db[] | select(."repo-key" == $n)] | max_by(.id)) as $db
    | [$db."system-id", "\($db.version)-\($db.id)", $db.version,
       ([.archive[]? | select(.database."repo-key" == $n and .database.id == $db.id) | .max // empty | .[0:24]] | max // ""),
       ([.backup[]? | select(.database."repo-key" == $n and .error != true)] | length)] | map(tostring) | join(" ")' <<<"$answer") || return 1
  # shellcheck disable=SC2034 # for the step
  if [ "$(wc -w <<<"$answer")" = 5 ]; then read -r WANTED ARCHIVE_ID VERSION ARCHIVE_NEWEST BACKUPS <<<"$answer"; else return 1; fi
}

# newest_wal: `SECONDS_SINCE_THE_EPOCH NAME` of what was archived last, by the store's clock.
newest_wal() {
  local facts
  facts=$(pgbr --log-level-console=off --log-level-stderr=error --output=json info) || return 1
  ARCHIVE_NEWEST=$(jq -er --arg id "$ARCHIVE_ID" '[.[0].archive[] | select(.id == $id) | .max | .[0:24]] | max' <<<"$facts") || return 1
  pgbr --log-level-console=off --log-level-stderr=error --output=json repo-ls "archive/$STANZA/$ARCHIVE_ID/${ARCHIVE_NEWEST:0:16}" |
    jq -er '[to_entries[] | select(.value.type == "file")] | max_by(.value.time) | "\(.value.time) \(.key[0:24])"'
}

# source_dead BOUND FIRST START: whether nothing is archived into the repository any more. FIRST is what `newest_wal` said
# at START: it is older than BOUND seconds, or nothing else comes until it is. An old site that lives archives at least
# once in that time. Exit 0 dead; 1 it lives; 2 the repository cannot be asked.
source_dead() {
  local bound=$1 first=$2 start=$3 now newest said=n
  while :; do
    newest=$(newest_wal) || return 2
    [ "$newest" = "$first" ] || return 1
    now=$(date +%s)
    # By either clock: one that is wrong must not make this wait for ever.
    if [ $((now - ${first%% *})) -ge "$bound" ] || [ $((now - start)) -ge "$bound" ]; then return 0; fi
    if [ "$said" = n ]; then
      say "the newest WAL in repository $REPOSITORY is $((now - ${first%% *})) s old: waiting until it is $bound s, to see that no other site archives there"
      said=y
    fi
    sleep 5
  done
}

# run_settings: a server that neither archives nor calls anybody, with a socket of its own, as in the drill.
run_settings() {
  local setting
  printf 'local all all peer\n' | put "$work/hba.conf"
  : | put "$work/ident.conf"
  for setting in archive_mode=off archive_command=/bin/false listen_addresses= "unix_socket_directories=$work" port=5499 \
    "hba_file=$work/hba.conf" "ident_file=$work/ident.conf" ssl=off cluster_name=recovery primary_conninfo= primary_slot_name= \
    synchronous_standby_names= shared_preload_libraries= max_logical_replication_workers=0 default_transaction_read_only=off \
    logging_collector=off log_destination=stderr lc_messages=C log_min_messages=warning; do
    printf ' -c %s' "$setting"
  done
}

# put FILE <text: owned by postgres, for it alone.
put() { (umask 077; cat >"$1"); chown postgres:postgres "$1"; }

recovered_sql() { as_postgres psql -X -q -At -v ON_ERROR_STOP=1 -h "$work" -p 5499 "$@"; }

# stop_recovery DATA MODE
stop_recovery() { as_postgres "$bin/pg_ctl" -D "$1" -w -t 600 -m "$2" stop >/dev/null; }

# history_ready DATA TIMELINE: the server that promoted could not archive: what tells the next one about the new
# timeline is marked, so that its archiver sends it first.
history_ready() {
  local name
  name=$(printf '%08X.history' "$2")
  [ -s "$1/pg_wal/$name" ] || return 0
  as_postgres touch "$1/pg_wal/archive_status/$name.ready"
}
