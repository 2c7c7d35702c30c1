/** What `npm run status` asks, by a name of its own. `prefix` is the first part of the drill's metric names. */
export function questions(prefix: string) {
  const drill = `${prefix}_backup_drill`;
  return {
    alerts: 'ALERTS{alertstate="firing",alertname!="DeadMansSwitch"}',
    rulesLoaded: 'ALERTS{alertname="DeadMansSwitch"}',
    up: "up",
    primaries: "restorable_formation_primaries",
    formationAge: "time() - restorable_formation_metrics_timestamp_seconds",
    state: "restorable_formation_node_state",
    healthy: "restorable_formation_node_healthy",
    stateAge: "time() - restorable_formation_node_state_change_timestamp_seconds",
    syncStandbys: "max(restorable_postgres_sync_standbys and on (instance) (restorable_postgres_in_recovery == 0))",
    replayLag: "max by (standby) (restorable_postgres_replay_lag_bytes)",
    readySegments: "max(restorable_postgres_wal_ready_segments)",
    walBytes: "max(restorable_postgres_wal_bytes)",
    reachable: "min by (stanza, repo) (restorable_repository_reachable)",
    walAge: "time() - (max by (stanza, repo) (restorable_repository_newest_wal_timestamp_seconds) > 0)",
    backupAge: "time() - (max by (stanza, repo, type) (restorable_repository_last_backup_timestamp_seconds) > 0)",
    backups: "sum by (stanza, repo) (max by (stanza, repo, type) (restorable_repository_backups))",
    drillOutcome: `${drill}_outcome == 1`,
    drillAge: `time() - ${drill}_last_run_timestamp_seconds`,
    rto: `${drill}_restore_duration_seconds`,
    rtoBound: `${drill}_rto_bound_seconds`,
    rpo: `${drill}_rpo_seconds`,
    escrowMade: "restorable_escrow_timestamp_seconds",
    volume: "restorable_volume_used_bytes / restorable_volume_size_bytes",
  } as const;
}

export type Question = keyof ReturnType<typeof questions>;
