# shellcheck shell=bash disable=SC2034
# Objects and their versions.

# put KEY FILE: sets VERSION. Ends the probe when the writer key may not write: then nothing can be proven with it.
put() {
  s3 PUT "$1" "" "$2"
  ok || verdict unverified access_denied "the writer key may not write $1: $(answered)"
  VERSION="$(head_field x-amz-version-id)"
}

# has KEY VERSION SHA256: whether the version is there, byte for byte.
has() {
  s3 GET "$1" "versionId=$2"
  case "$HTTP" in
    200) [ "$(sum_of "$WORK/body")" = "$3" ] ;;
    404 | 405) return 1 ;;
    # S3 says so too of what is not there, when the key may not list.
    403) verdict unverified access_denied "the writer key may not read versions (s3:GetObjectVersion), so nobody can tell whether one was destroyed" ;;
    *) verdict unverified answer_unclear "GET of a version of $1: $(answered)" ;;
  esac
}

# versions KEY: of this key alone, the current one first, then by age, lines `version|marker ID YYYY-MM-DDTHH:MM:SS SIZE`, in
# $WORK/versions. Not every store lists markers and versions in one order.
versions() {
  s3 GET "" "prefix=$(encoded "$1")&versions="
  ok || verdict unverified access_denied "the writer key may not list versions (s3:ListBucketVersions): $(answered)"
  tr -d '\n' <"$WORK/body" | sed 's/<\(Version\|DeleteMarker\)>/\n&/g' | awk -v key="$1" '
    function field(name,  at, rest) {
      at = index($0, "<" name ">")
      if (!at) return "0"
      rest = substr($0, at + length(name) + 2)
      return substr(rest, 1, index(rest, "<") - 1)
    }
    /^<(Version|DeleteMarker)>/ && field("Key") == key {
      print (field("IsLatest") == "true"), substr(field("LastModified"), 1, 19), ($0 ~ /^<Version>/ ? "version" : "marker"), field("VersionId"), field("Size")
    }' | sort -s -k1,1r -k2,2r | awk '{ print $3, $4, $2, $5 }' >"$WORK/versions"
}

# epoch YYYY-MM-DDTHH:MM:SS: of a time in UTC.
epoch() { date -u -d "${1}Z" +%s; }

# store_now: the store's clock, from its last answer.
store_now() { date -u -d "$(head_field date)" +%s; }
