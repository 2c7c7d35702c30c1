# shellcheck shell=bash disable=SC2154
# One object of an export: encrypted on its way, in the store only when whole, read back. Needs store.sh, $work,
# RECIPIENTS_FILE (public keys only).

UPLOAD='' BYTES='' SUM=''

# Ends an upload that must not become an object. rclone takes back the parts that it has sent.
abandon() {
  local i
  [ -n "$UPLOAD" ] || return 0
  kill -TERM "$UPLOAD" 2>/dev/null || true
  for ((i = 0; i < 100; i++)); do
    kill -0 "$UPLOAD" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$UPLOAD" 2>/dev/null || true
  wait "$UPLOAD" 2>/dev/null || true
  UPLOAD=''
}

# upload PATH CHUNK COMMAND...: what COMMAND prints, encrypted, under $EXPORTS_ROOT/PATH in parts of CHUNK MiB. Sets
# BYTES and SUM of what was sent. The store sees the end of the stream only when COMMAND and all behind it succeeded:
# this shell holds the pipe open until then, so a dump that broke off never becomes an object.
upload() {
  local path=$1 chunk=$2 status=0 sum count
  shift 2
  rm -f "$work"/{stream,sum,count}
  mkfifo "$work/stream" "$work/sum" "$work/count"
  sha256sum <"$work/sum" >"$work/sha256" &
  sum=$!
  wc -c <"$work/count" >"$work/bytes" &
  count=$!
  (
    store_words
    exec "${STORE[@]}" --s3-chunk-size "${chunk}M" --s3-upload-concurrency 2 rcat "$EXPORTS_ROOT/$path" <"$work/stream"
  ) &
  UPLOAD=$!
  exec {held}>"$work/stream"
  "$@" | age --encrypt --recipients-file "$RECIPIENTS_FILE" | tee "$work/sum" "$work/count" >&"$held" || status=$?
  if [ "$status" != 0 ]; then
    abandon
    exec {held}>&-
    return 1
  fi
  exec {held}>&-
  wait "$UPLOAD" || status=$?
  UPLOAD=''
  wait "$sum" "$count" || status=$?
  read -r SUM _ <"$work/sha256"
  BYTES=$(tr -d ' ' <"$work/bytes")
  [ "$status" = 0 ] || return 1
  read_back "$path" "$BYTES" "$SUM"
}

# read_back PATH BYTES SUM: whether the object at the destination is what was sent, by its content.
read_back() {
  local size sum
  size=$(store lsf --files-only --format s "$EXPORTS_ROOT/$1") || return 1
  if [ "$size" != "$2" ]; then
    echo "$1 has ${size:-no} bytes at the destination, $2 were sent" >&2
    return 1
  fi
  sum=$(store cat "$EXPORTS_ROOT/$1" | sha256sum) || return 1
  if [ "${sum%% *}" != "$3" ]; then
    echo "$1 at the destination is not what was sent: SHA-256 ${sum%% *}, $3 expected" >&2
    return 1
  fi
}

# seal PATH: the text on stdin becomes the object, once, read back.
seal() {
  local text
  text=$(cat)
  store rcat "$EXPORTS_ROOT/$1" <<<"$text" || return 1
  [ "$(store cat "$EXPORTS_ROOT/$1")" = "$text" ] || {
    echo "$1 at the destination is not what was sent" >&2
    return 1
  }
}

# hide PATH...: deleted by name. In a bucket with versions, as the off-site one is, that only hides the object; its bytes
# stay until the lifecycle destroys them, and no key of this node can do so.
hide() {
  local path
  for path in "$@"; do
    store deletefile "$EXPORTS_ROOT/$path" 2>"$work/hide" || grep -q -e 'not found' -e NoSuchKey "$work/hide" || {
      cat "$work/hide" >&2
      return 1
    }
  done
}
