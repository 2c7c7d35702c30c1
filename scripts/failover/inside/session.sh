# shellcheck shell=bash disable=SC2034
# One psql that stays open, spoken to through pipes, so that a statement costs no new process and no new connection.
export LC_ALL=C
TO="" FROM="" CHILD="" ANSWER="" STATE=""

# $1 connection string, $2 file for psql's words; the rest comes before psql. Says nothing about whether it connects:
# the first `ask` does.
session_open() {
  local conninfo=$1 log=$2
  shift 2
  # A new coproc may not start before the old one is gone.
  session_close
  coproc SESSION { exec "$@" psql -X -qAt -F ' ' -d "$conninfo" 2>>"$log"; }
  # Bash takes its own variables away as soon as the process has ended.
  TO=${SESSION[1]-} FROM=${SESSION[0]-} CHILD=$!
}

session_close() {
  [[ -n $CHILD ]] || return 0
  kill -KILL "$CHILD" 2>/dev/null || true
  wait "$CHILD" 2>/dev/null || true
  CHILD=""
}

# ask SECONDS STATEMENT: sets ANSWER to its last row and STATE to its SQLSTATE. 0 when the server answered, whatever
# it said; 1 when it did not within the time, or the connection is gone: whether it did the work is then unknown.
ask() {
  local seconds=$1 line
  ANSWER="" STATE=""
  [[ -n $CHILD ]] || return 1
  printf '%s\n\\echo end :SQLSTATE\n' "$2" 1>&"$TO" 2>/dev/null || return 1
  while IFS= read -r -t "$seconds" -u "$FROM" line; do
    case $line in
      "end "*)
        STATE=${line#end }
        # psql has this code for errors of its own, a lost connection among them.
        [[ $STATE =~ ^[0-9A-Z]{5}$ ]]
        return
        ;;
      *) ANSWER=$line ;;
    esac
  done
  return 1
}

# pause SECONDS: a sleep without a process.
exec {NEVER}<> <(:)
pause() { read -r -t "$1" -u "$NEVER" || true; }
