# shellcheck shell=bash
# no_arguments "$@": for jobs that take none. `--help` prints the job's usage() and ends with 0, all else ends with 2.
no_arguments() {
  case ${1:-} in
    '') ;;
    --help | -h)
      usage
      exit 0
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
}
