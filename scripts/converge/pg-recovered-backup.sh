# After a recovery: starts a full backup into every repository, once, without waiting for its end. The first one in a
# repository that is new is its only one; FullBackupStale tells when it does not come.
# Settings: MAJOR REPOSITORIES
. /usr/local/lib/restorable/pg.sh
marker=$home/$MAJOR/pgaf/recovered
if [ ! -s "$marker" ] || grep -qx 'backup started' "$marker"; then
  step_done
  exit 0
fi
if [ "$(as_postgres /usr/local/lib/restorable/node/role.sh)" != primary ]; then
  say "not the primary any more: the timers take the full backups"
  step_done
  exit 0
fi
for repository in $REPOSITORIES; do
  unit=pgbackrest-full-repo$repository.service
  if ! systemctl cat "$unit" >/dev/null 2>&1; then unit=pgbackrest-full.service; fi
  systemctl start --no-block "$unit"
  say "$unit started"
done
echo 'backup started' >>"$marker"
