# shellcheck shell=bash
# Shared by `facts` and the steps of the prepared image.

# image_behind PROJECT ALIAS: prints a package that a running container made from this image has in a newer version
# than the image. The drill would then restore with older programs than those that wrote the backup.
image_behind() {
  local project=$1 alias=$2 versions container package version newer
  versions=$(incus image get-property "$alias" description --project "$project" 2>/dev/null </dev/null) || return 0
  container=$(incus list --project "$project" -f csv -c n,s,user.restorable.image </dev/null |
    awk -F, -v image="$alias" '$2 == "RUNNING" && $3 == image {print $1}')
  for container in $container; do
    for package in $versions; do
      version=${package#*=} package=${package%%=*}
      # shellcheck disable=SC2016
      newer=$(incus exec "$container" --project "$project" -- dpkg-query -W -f='${Version}' "$package" 2>/dev/null </dev/null) || continue
      if [ -n "$newer" ] && dpkg --compare-versions "$newer" gt "$version"; then
        printf '%s %s in %s\n' "$package" "$newer" "$container"
        return 0
      fi
    done
  done
}

# prune_images WANTED: removes the stack's other images, except those that a container is still made from.
# For converge steps only: needs their `incus`, `say` and STACK. An image without a stack's mark is of an earlier version.
prune_images() {
  local alias owner users
  while IFS= read -r alias; do
    case "$alias" in "$1") continue ;; restorable-pg*) ;; *) continue ;; esac
    owner=$(incus image get-property "$alias" restorable.stack) || continue
    [ "${owner:-$STACK}" = "$STACK" ] || continue
    [ -n "$(incus image get-property "$alias" restorable.key)" ] || continue
    users=$(incus list -f csv -c n,user.restorable.image:image | awk -F, -v image="$alias" '$2 == image {printf "%s%s", sep, $1; sep = ", "}')
    if [ -n "$users" ]; then
      say "image $alias stays: $users was made from it"
    else
      incus image delete "$alias"
      say "image $alias removed"
    fi
  done < <(incus image alias list -f csv | cut -d, -f1)
}
