#!/usr/bin/env bash
# The restore drill of the cluster's dumps, by hand: starts a Job from its CronJob, shows what it says, ends as it ends.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: k8s-drill.sh [--database NAME] [--namespace NAMESPACE] [--cronjob NAME] [--timeout SECONDS]

Makes a Job from the drill's CronJob with kubectl (its KUBECONFIG and context), follows it, and removes it when it passed.
What the drill does: docs/kubernetes.md.

  --database NAME        this one of the dumps only, by its name in the settings
  --namespace NAMESPACE  namespace of the drill (default restorable-drill)
  --cronjob NAME         its CronJob (default restorable-drill; cnpg-backup-verify runs the verification the same way)
  --timeout SECONDS      how long to wait (default 14400)
  --help                 this text

Exit codes: 0 all passed; 1 one failed: that dump is not good for a restore; 2 could not verify, or a usage error.
TEXT
}

fatal() {
  printf 'k8s-drill: %s\n' "$1" >&2
  exit 2
}

namespace=restorable-drill cronjob=restorable-drill only='' limit=14400
while [ $# -gt 0 ]; do
  case "$1" in
    --database | --namespace | --cronjob | --timeout) [ $# -ge 2 ] || fatal "$1 needs a value" ;;
  esac
  case "$1" in
    --database) only=$2; shift ;;
    --namespace) namespace=$2; shift ;;
    --cronjob) cronjob=$2; shift ;;
    --timeout) limit=$2; shift ;;
    -h | --help) usage; exit 0 ;;
    *) fatal "unknown argument $1 (see --help)" ;;
  esac
  shift
done
[[ $limit =~ ^[1-9][0-9]{0,5}$ ]] || fatal "--timeout $limit: whole seconds"
for tool in kubectl jq; do command -v "$tool" >/dev/null || fatal "$tool is not installed"; done
k() { kubectl --namespace "$namespace" "$@"; }

template=$(k get cronjob "$cronjob" -o json) || fatal "no CronJob $cronjob in namespace $namespace, or the cluster does not answer"
job=$(jq -c --arg only "$only" --arg by "$cronjob" '
  {apiVersion: "batch/v1", kind: "Job",
   metadata: {generateName: ($by + "-by-hand-"), namespace: .metadata.namespace, labels: .spec.jobTemplate.metadata.labels,
              annotations: {"cronjob.kubernetes.io/instantiate": "manual"}},
   spec: .spec.jobTemplate.spec}
  | if $only == "" then . else .spec.template.spec.containers[0].env += [{name: "ONLY", value: $only}] end' <<<"$template" |
  k create -f - -o jsonpath='{.metadata.name}') || fatal "the Job cannot be made"
echo "job $namespace/$job"

# state: the exit code of the newest pod that ended, or nothing.
ended_with() {
  k get pods --selector "job-name=$job" --sort-by=.metadata.creationTimestamp \
    -o jsonpath='{range .items[*]}{.status.containerStatuses[0].state.terminated.exitCode}{"\n"}{end}' 2>/dev/null |
    sed '/^$/d' | tail -n 1
}
condition() {
  k get job "$job" -o jsonpath='{range .status.conditions[?(@.status=="True")]}{.type} {.reason}{"\n"}{end}' |
    grep -m 1 -E '^(Complete|Failed) ' || true
}

ends=$((SECONDS + limit)) shown=''
until [ -n "$(condition)" ]; do
  [ "$SECONDS" -lt "$ends" ] || fatal "job $job did not end within $limit s; it goes on"
  if [ -z "$shown" ] && k logs "job/$job" --follow 2>/dev/null; then shown=y; fi
  sleep 1
done
[ -n "$shown" ] || k logs "job/$job" 2>/dev/null || true
verdict=$(condition)
code=$(ended_with)
case "$verdict:$code" in
  Complete*)
    k delete job "$job" --wait=false >/dev/null || true
    exit 0
    ;;
  Failed*:1) exit 1 ;;
esac
echo "k8s-drill: could not verify: ${verdict#Failed }${code:+, exit code $code} (kubectl -n $namespace describe job $job)" >&2
exit 2
