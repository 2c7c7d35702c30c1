# shellcheck shell=bash
# database_properties PG_RESTORE ARCHIVE NAME: statements that make an archive's database under that name: encoding, locale,
# owner, settings, rights. NAME in the archive is another one, or the same.
database_properties() {
  local new=\"${3//\"/\"\"}\" list old line text
  list=$(mktemp)
  "$1" --create --list "$2" | grep -E '^[0-9]+; [0-9]+ [0-9]+ (DATABASE|DATABASE PROPERTIES|ACL - DATABASE) ' >"$list"
  text=$("$1" --create --use-list "$list" -f - "$2")
  rm -f "$list"
  old=$(sed -nE 's/^CREATE DATABASE ("([^"]|"")*"|[^ ;]+).*/\1/p' <<<"$text" | head -n 1)
  [ -n "$old" ] || return 1
  grep -E '^(CREATE|ALTER|GRANT|REVOKE) ' <<<"$text" | while IFS= read -r line; do
    printf '%s\n' "${line/DATABASE "$old"/DATABASE "$new"}"
  done
}
