# shellcheck shell=bash
# What the steps of Prometheus and Alertmanager share. Both say in their metrics when they last read their files.

# gauge URL NAME: value of a server's own metric without labels; nothing when it does not answer.
gauge() { curl -fsS --max-time 5 "$1/metrics" 2>/dev/null </dev/null | awk -v name="$2" '$1 == name {print $2}'; }

# has_loaded URL PREFIX FILE...: the server has read these files, as they are, without an error.
has_loaded() {
  local url=$1 prefix=$2 newest read_at
  shift 2
  [ "$(gauge "$url" "${prefix}_config_last_reload_successful")" = 1 ] || return 1
  read_at=$(gauge "$url" "${prefix}_config_last_reload_success_timestamp_seconds")
  newest=$(stat -c %.9Y "$@" | sort -n | tail -n 1)
  awk -v read_at="$read_at" -v newest="$newest" 'BEGIN {exit !(read_at + 0 > newest + 0)}'
}

# reload_server URL PREFIX COMMAND FILE...: has the server read these files where it has not. Fails when it refuses them.
reload_server() {
  local url=$1 prefix=$2 command=$3 start=$SECONDS
  shift 3
  if has_loaded "$url" "$prefix" "$@"; then return 0; fi
  $command || return 1
  until has_loaded "$url" "$prefix" "$@"; do
    # Right after the signal the figure may still be that of an earlier attempt.
    if [ $((SECONDS - start)) -ge 5 ] && [ "$(gauge "$url" "${prefix}_config_last_reload_successful")" = 0 ]; then return 1; fi
    if [ $((SECONDS - start)) -ge 30 ]; then return 1; fi
    sleep 0.5
  done
}

# keep FILE / put_back FILE: the file as it was before this step, or its absence.
keep() { if [ -e "$1" ]; then cp -p "$1" "$work/was${1//\//_}"; fi; }
put_back() { if [ -e "$work/was${1//\//_}" ]; then cp -p "$work/was${1//\//_}" "$1"; else rm -f "$1"; fi; }

# answers URL: the server is ready.
answers() { curl -fsS --max-time 5 -o /dev/null "$1/-/ready" </dev/null; }
