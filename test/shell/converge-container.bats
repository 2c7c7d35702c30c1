#!/usr/bin/env bats
# X13: the step that makes and replaces a container, against an Incus made of files. A run that is killed between any
# two of its commands is made good by the next one.

setup() {
  export STUBS="$BATS_TEST_TMPDIR/stubs" BOXES="$BATS_TEST_TMPDIR/boxes" CALLS="$BATS_TEST_TMPDIR/calls"
  mkdir -p "$STUBS" "$BOXES"
  : >"$CALLS"
  cat >"$STUBS/incus" <<'STUB'
#!/usr/bin/env bash
while [[ $1 == -* ]]; do if [[ $1 == --project ]]; then shift; fi; shift; done
[[ $1 == init || $1 == start || $1 == stop || $1 == delete || $1 == rename ]] && echo "$1 $2 $3" >>"$CALLS"
if [[ "$1 $2 $3" == ${KILL_BEFORE:-none}* ]]; then kill -9 "$PPID"; exit 1; fi
box=$BOXES/$2
case "$1 $2" in
  "config get") cat "$BOXES/$3/$4" 2>/dev/null; [[ -d $BOXES/$3 ]] ;;
  "config set") name=$3; shift 3; for pair; do printf %s "${pair#*=}" >"$BOXES/$name/${pair%%=*}"; done ;;
  "config unset") rm -f "$BOXES/$3/$4" ;;
  "config device" | "image info" | "storage volume") ;;
  info*) [[ -d $box ]] ;;
  init*)
    mkdir "$BOXES/$3" && echo STOPPED >"$BOXES/$3/status"
    shift 3
    while [[ $# -gt 0 ]]; do if [[ $1 == -c ]]; then printf %s "${2#*=}" >"$BOXES/$next/${2%%=*}"; fi; shift; done
    ;;
  start*) [[ -d $box ]] && echo RUNNING >"$box/status" ;;
  stop*) [[ -d $box ]] && echo STOPPED >"$box/status" ;;
  delete*) name=$2; [[ $name != --force ]] || name=$3; rm -r "${BOXES:?}/$name" ;;
  rename*) [[ ! -d $BOXES/$3 ]] && mv "$box" "$BOXES/$3" ;;
  list*) name=${2//[^a-z-]/}; cat "$BOXES/$name/status" ;;
  exec*)
    case "$*" in
      *"replacement.sh carry") cat "$box/keys" ;;
      *"-- tar"*) cat >"$box/keys" ;;
      *replacement.sh*)
        all=$*
        action=${all##*replacement.sh }
        echo "asked $2 $action" >>"$CALLS"
        [[ ${action%% *} != "${REFUSES:-}" ]] || { echo "refused: node two is not healthy" >&2; exit "${REFUSAL:-3}"; }
        ;;
    esac
    ;;
esac
STUB
  chmod +x "$STUBS/incus"
  step="$BATS_TEST_TMPDIR/step"
  {
    cat <<'PRELUDE'
set -euo pipefail
say() { echo "said: $*" >&2; }
fail() { echo "failed: $*" >&2; exit 1; }
wait_for() { shift 2; "$@"; }
PRELUDE
    cat "$BATS_TEST_DIRNAME/../../scripts/converge/incus-container.sh"
  } >"$step"
  PATH="$STUBS:$PATH"
  export next=box-next INCUS_PROJECT=p STACK=s HOST_NAME=h BUNDLE="$BATS_TEST_DIRNAME/../../scripts"
  export NAME=box IMAGE=new POOL=pool NETWORK=net ADDRESS=10.0.0.2 CPU=1 MEMORY=1GiB DATA_SIZE='' DATA_PATH=/data
  export MEMBER=data MAJOR=17 PGDATA=/data
  box
}

# box: a container made from the old image, which runs.
box() {
  mkdir "$BOXES/box"
  echo RUNNING >"$BOXES/box/status"
  printf s >"$BOXES/box/user.restorable.stack"
  printf old >"$BOXES/box/user.restorable.image"
  echo secret >"$BOXES/box/keys"
}

# replaced: the new container alone stands and runs, with the old one's keys, and nothing is left to be done.
replaced() {
  [ "$(ls "$BOXES")" = box ]
  [ "$(cat "$BOXES/box/user.restorable.image")" = new ]
  [ "$(cat "$BOXES/box/status")" = RUNNING ]
  [ "$(cat "$BOXES/box/keys")" = secret ]
  [ "$(cat "$BOXES/box/boot.autostart")" = true ]
  [ ! -e "$BOXES/box/user.restorable.replacing" ]
}

@test "a member is replaced: asked, made beside, taken leave of, and waited for" {
  run bash "$step"
  echo "$output"
  [ "$status" -eq 0 ]
  replaced
  [ "$(cat "$CALLS")" = "$(printf '%s\n' 'asked box check' 'init new box-next' 'start box-next ' 'stop box-next --force' \
    'asked box prepare' 'stop box --timeout' 'delete --force box' 'rename box-next box' 'start box ' 'asked box rejoined --begun')" ]
}

@test "run again, it does nothing" {
  bash "$step"
  : >"$CALLS"
  run bash "$step"
  [ "$status" -eq 0 ]
  [ ! -s "$CALLS" ]
}

@test "refused by the formation: nothing is touched" {
  REFUSES=check run bash "$step"
  [ "$status" -eq 1 ]
  [[ $output == *"refused: node two is not healthy"*"container box is not replaced by one of image new"*"nothing was changed"* ]]
  [ "$(cat "$CALLS")" = "asked box check" ]
}

@test "refused at the last moment: the next container goes, the old one stays without a mark" {
  REFUSES=prepare run bash "$step"
  [ "$status" -eq 1 ]
  [ "$(ls "$BOXES")" = box ]
  [ "$(cat "$BOXES/box/user.restorable.image")" = old ]
  [ ! -e "$BOXES/box/user.restorable.replacing" ]
}

@test "a leave that was begun and failed keeps its mark, and the next run goes on with it" {
  REFUSES=prepare REFUSAL=1 run bash "$step"
  [ "$status" -eq 1 ]
  [ "$(cat "$BOXES/box/status")" = RUNNING ]
  : >"$CALLS"
  run bash "$step"
  [ "$status" -eq 0 ]
  grep -qx 'asked box prepare --begun' "$CALLS"
  replaced
}

@test "killed before any of its commands, the next run completes; keys are never lost" {
  for at in "init new" "start box-next" "stop box-next" "stop box --timeout" "delete --force box" "rename box-next" "start box "; do
    rm -rf "$BOXES/box" "$BOXES/box-next"
    box
    KILL_BEFORE=$at run bash "$step"
    echo "killed before $at: $status $output"
    [ "$status" -ne 0 ]
    run bash "$step"
    echo "$output"
    [ "$status" -eq 0 ]
    replaced
  done
}

@test "a stopped member is started and asked before it is replaced" {
  echo STOPPED >"$BOXES/box/status"
  REFUSES=check run bash "$step"
  [ "$status" -eq 1 ]
  [ "$(cat "$CALLS")" = "$(printf '%s\n' 'start box ' 'asked box check')" ]
  [ "$(cat "$BOXES/box/user.restorable.image")" = old ]
}

@test "a node that does not come back stops the update, and is waited for again by the next" {
  REFUSES=rejoined run bash "$step"
  [ "$status" -eq 1 ]
  [[ $output == *"no other container is replaced until it is mended"* ]]
  : >"$CALLS"
  run bash "$step"
  [ "$status" -eq 0 ]
  [ "$(cat "$CALLS")" = "asked box rejoined --begun" ]
  replaced
}

@test "a container that belongs to no formation is replaced without questions" {
  MEMBER='' run bash "$step"
  [ "$status" -eq 0 ]
  [ "$(grep -c asked "$CALLS")" = 0 ]
  [ "$(cat "$BOXES/box/user.restorable.image")" = new ]
}

@test "a new container that another settings' run left behind is made again" {
  KILL_BEFORE="rename box-next" run bash "$step"
  [ "$(ls "$BOXES")" = box-next ]
  IMAGE=other run bash "$step"
  [ "$status" -eq 0 ]
  [ "$(cat "$BOXES/box/user.restorable.image")" = other ]
}
