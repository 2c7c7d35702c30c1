# shellcheck shell=bash
# Series for node_exporter's textfile collector: written whole or not at all, and never with a value that nobody measured.

# replace_file PATH <content: 0644, through a temporary file in the same folder whose name the collector does not read.
replace_file() {
  local path=$1 tmp
  tmp=$(mktemp "${path%/*}/.${path##*/}.XXXXXX") || return 1
  if cat >"$tmp" && chmod 0644 "$tmp" && mv -f "$tmp" "$path"; then return 0; fi
  rm -f "$tmp"
  echo "$path cannot be written" >&2
  return 1
}

# head_of NAME TYPE HELP
head_of() { printf '# HELP %s %s\n# TYPE %s %s\n' "$1" "$3" "$1" "$2"; }

# label TEXT: as the value of a label.
label() {
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  printf %s "${text//$'\n'/ }"
}

# number TEXT: true for a decimal number that Prometheus reads. An answer of another form is no value.
number() { [[ $1 =~ ^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$ ]]; }

# machine_series "TIMER..." "CERTIFICATE...": what any machine of the stack tells about itself. A timer that cannot be
# asked is not active; a certificate that cannot be read has expired at 0: both look like what they may well be.
machine_series() {
  local timer file active ends
  if [ -n "$1" ]; then
    head_of restorable_timer_active gauge "1 if the timer is loaded and waits for its next run."
    for timer in $1; do
      active=0
      if [ "$(timeout -k 2 10 systemctl is-active "$timer" 2>/dev/null)" = active ]; then active=1; fi
      printf 'restorable_timer_active{timer="%s"} %s\n' "$(label "$timer")" "$active"
    done
  fi
  if [ -n "$2" ]; then
    head_of restorable_certificate_expiry_timestamp_seconds gauge "End of the certificate's validity; 0 when it cannot be read."
    for file in $2; do
      ends=$(openssl x509 -in "$file" -noout -enddate 2>/dev/null) || ends=''
      # Without the check, no date at all would be today's.
      if [ -n "$ends" ]; then ends=$(date -u -d "${ends#notAfter=}" +%s 2>/dev/null) || ends=''; fi
      number "$ends" || ends=0
      printf 'restorable_certificate_expiry_timestamp_seconds{file="%s"} %s\n' "$(label "$file")" "$ends"
    done
  fi
}

# load_settings FILE...: shell assignments; ends the script with 2 when one is missing.
load_settings() {
  local file
  for file in "$@"; do
    if [ ! -r "$file" ]; then
      echo "cannot read $file: has this machine been provisioned?" >&2
      exit 2
    fi
    # shellcheck source=/dev/null
    . "$file"
  done
  export LC_ALL=C
}

# only_help "$@": prints usage for --help, refuses everything else.
only_help() {
  case ${1:-} in
    '') return ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
}
