#!/bin/sh
# A host that takes a key: DIRECTORY/ROLE holds its id and secret. Says in DIRECTORY/log which keys B2 had just then.
# usage: converge.sh DIRECTORY URL ROLE KEY_ID <SECRET. Fails while DIRECTORY/fail is there.
set -eu
umask 077
printf '%s %s\n' "$4" "$(cat)" >"$1/$3.new"
names=$(curl -sS --fail "$2/control" | jq -r '[.keys[].keyName] | sort | join(" ")')
printf '%s %s: %s\n' "$3" "$4" "$names" >>"$1/log"
if [ -e "$1/fail" ]; then
  echo "$3: not this time" >&2
  exit 1
fi
mv "$1/$3.new" "$1/$3"
