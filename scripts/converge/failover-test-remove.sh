# Takes the failover acceptance test off this host.
rm -rf /usr/local/lib/restorable/failover
rm -f /usr/local/bin/test_pg_failover.sh /etc/restorable/failover-test.env /etc/restorable/failover-test.pgpass \
  /run/lock/restorable-failover-test.lock
rmdir --ignore-fail-on-non-empty /etc/restorable 2>/dev/null || true
