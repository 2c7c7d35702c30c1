# shellcheck shell=bash
# Names and numbers of WAL segments. SEGMENT_BYTES is the size of one, as the server says.

# segment_name TIMELINE NUMBER: the file's name; NUMBER counts segments from the beginning of the log.
segment_name() {
  local per=$((0x100000000 / SEGMENT_BYTES))
  printf '%08X%08X%08X' "$1" $(($2 / per)) $(($2 % per))
}

# segment_number NAME
segment_number() {
  echo $((16#${1:8:8} * (0x100000000 / SEGMENT_BYTES) + 16#${1:16:8}))
}

# lsn_segment LSN: number of the segment that holds this position.
lsn_segment() {
  echo $(((16#${1%/*} * 0x100000000 + 16#${1#*/}) / SEGMENT_BYTES))
}

# ancestors <HISTORY FILE: `TIMELINE FIRST_SEGMENT SWITCH_SEGMENT` for each former timeline, oldest first. The segment
# of the switch is the first one that belongs to the next timeline.
ancestors() {
  local timeline lsn rest first=1
  while read -r timeline lsn rest; do
    [[ $timeline =~ ^[0-9]+$ && $lsn =~ ^[0-9A-F]+/[0-9A-F]+$ ]] || continue
    echo "$timeline $first $(lsn_segment "$lsn")"
    first=$(lsn_segment "$lsn")
  done
}

# complete_segment FILE: whether its first page is the one that its name promises. A recycled file has another one
# until it is written anew.
complete_segment() {
  local name=${1##*/} address
  [[ $(stat -c %s "$1" 2>/dev/null) == "$SEGMENT_BYTES" ]] || return 1
  address=$(od -An -tu8 -j8 -N8 "$1" 2>/dev/null) || return 1
  ((address == $(segment_number "$name") * SEGMENT_BYTES))
}

# finished_segment FILE: whether Postgres has closed it, in $PGDATA/pg_wal. The one that is being written begins as a whole
# one does, and what a repository has taken of it can never be replaced.
finished_segment() {
  local status=$PGDATA/pg_wal/archive_status/${1##*/}
  [[ -e $status.ready || -e $status.done ]] && complete_segment "$1"
}
