#!/usr/bin/env bats
# What a data node does about a monitor that may have been made anew.


bats_require_minimum_version 1.5.0
setup() {
  # shellcheck disable=SC2034
  home=/nowhere data=/nowhere/node
  # shellcheck source=scripts/host/attach.sh
  . "$BATS_TEST_DIRNAME/../../scripts/host/attach.sh"
}

# A node in a formation of three that has lost its monitor: `decide KEY=VALUE...` alters one thing or two.
decide() {
  local configured=yes cluster=yes role=standby enabled=yes listed=0 known=0 unlisted=2 writers=1 silent=0
  local "$@"
  attach_decision "$configured" "$cluster" "$role" "$enabled" "$listed" "$known" "$unlisted" "$writers" "$silent"
}

@test "a registered node is left alone, whatever else" {
  for role in primary standby down-primary down-standby none; do
    [ "$(decide role=$role listed=1 known=2)" = nothing ]
    [ "$(decide role=$role listed=1 known=0 writers=2)" = nothing ]
  done
}

@test "the primary comes back at once, standbys after it" {
  [ "$(decide role=primary writers=0)" = attach ]
  [ "$(decide role=primary writers=0 unlisted=0 silent=2)" = attach ]
  [ "$(decide role=standby known=0)" = wait ]
  [ "$(decide role=standby known=1)" = attach ]
}

@test "a standby is never the first to register" {
  for writers in 0 1 2; do for silent in 0 1 2; do
    [ "$(decide role=standby known=0 writers=$writers silent=$silent)" = wait ]
  done; done
}

@test "two nodes that are not in recovery: refused, whichever came first" {
  [[ "$(decide role=primary writers=1)" == refuse* ]]
  [[ "$(decide role=primary writers=0 known=1)" == refuse* ]]
}

@test "a former primary that is down starts only when all others are known to be standbys" {
  [ "$(decide role=down-primary writers=0 silent=0)" = start ]
  [ "$(decide role=down-primary writers=0 silent=1)" = wait ]
  [[ "$(decide role=down-primary writers=1)" == refuse* ]]
  [[ "$(decide role=down-primary writers=0 known=1)" == refuse* ]]
}

@test "a standby that is down starts as a standby" {
  [ "$(decide role=down-standby known=0)" = start ]
  [ "$(decide role=down-standby known=2)" = start ]
}

@test "a role that cannot be told is refused" {
  [[ "$(decide role=unknown writers=0)" == refuse* ]]
}

@test "no empty cluster and no copy while another cluster runs unregistered" {
  [ "$(decide configured=no cluster=no role=none unlisted=1)" = wait ]
  [ "$(decide configured=no cluster=no role=none unlisted=1 known=1)" = wait ]
  [ "$(decide configured=no cluster=no role=none unlisted=0 known=1)" = create ]
  [ "$(decide configured=no cluster=no role=none unlisted=0 known=0 writers=0 silent=2)" = create ]
}

@test "an attachment that was cut off is resumed" {
  [ "$(decide role=primary enabled=no listed=1)" = resume ]
  [ "$(decide role=standby enabled=no listed=1 known=1)" = resume ]
  [ "$(decide role=standby enabled=no listed=0 known=1)" = attach ]
}

# The words of pg_autoctl's service, as journalctl gives them.
journal() {
  printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/journal"
  config=$BATS_TEST_TMPDIR/cfg
  touch "$config"
  journalctl() { cat "$BATS_TEST_TMPDIR/journal"; }
  systemctl() { case "$*" in *InvocationID*) echo 1 ;; *) echo "${STARTED:-2020-01-01 00:00:00}" ;; esac; }
}

@test "let_go: only once the service itself says that its monitor is disabled" {
  journal 'Failed to connect'
  run ! let_go
  journal 'INFO Reloading configuration: the monitor has been disabled'
  let_go
  journal 'the monitor has been disabled' 'monitor uri is now "postgres://..."; used to be "PG_AUTOCTL_DISABLED"'
  run ! let_go
  journal 'monitor uri is now "x"' 'the monitor has been disabled'
  let_go
}

@test "let_go: a service that started after the configuration was written knows no monitor" {
  journal ''
  STARTED='2099-01-01 00:00:00' let_go
}
