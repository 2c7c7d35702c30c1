# Takes the timer of a dump off this host. Needs KIND.
if [ -f "/etc/systemd/system/restorable-dump-$KIND.timer" ]; then
  systemctl disable -q --now "restorable-dump-$KIND.timer" 2>/dev/null || true
  rm -f "/etc/systemd/system/restorable-dump-$KIND".{service,timer} "/var/lib/systemd/timers/stamp-restorable-dump-$KIND.timer"
  systemctl daemon-reload
fi
