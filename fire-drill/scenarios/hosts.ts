import { limits, minutely, rateWindowSeconds, scraped } from "../scale.js";
import type { Scenario } from "../scenario.js";

const { short } = limits;

/** Share of the standby's volume in use after the break: above the warning, below the last one, room for WAL. */
const fullPercent = Math.round(50 * (short.dataVolumeRatio + short.dataVolumeFullRatio));

const services = `cat >"$textfiles/.fire-drill.new" <<PROM
http_requests_total{status="200"} $((n * 10))
http_requests_total{status="500"} $((n * 5))
http_request_duration_seconds_bucket{le="0.1"} 0
http_request_duration_seconds_bucket{le="5"} $((n * 15))
http_request_duration_seconds_bucket{le="+Inf"} $((n * 15))
redis_up 0
PROM
chmod 0644 "$textfiles/.fire-drill.new"
mv "$textfiles/.fire-drill.new" "$textfiles/fire_drill_services.prom"`;

/** Hosts, exporters, metrics files and services beside the database. */
export const hosts: readonly Scenario[] = [
  {
    id: "exporter-stopped",
    phase: "short",
    what: "an exporter is stopped",
    disturbs: ["formation"],
    break: [{ in: "standby", run: "systemctl stop prometheus-postgres-exporter.service" }],
    repair: [{ in: "standby", run: "systemctl start prometheus-postgres-exporter.service" }],
    expect: [
      {
        alert: "ServiceDown",
        labels: { job: "postgres", instance: "{standby}" },
        hearer: "pager",
        detectSeconds: scraped,
      },
    ],
    silenceSeconds: 60,
  },
  {
    id: "volume-fills",
    phase: "short",
    what: `a file fills the standby's data volume to ${fullPercent} %`,
    disturbs: ["volume"],
    break: [
      {
        in: "standby",
        run: `used=$(du -sxB1 /var/lib/postgresql | cut -f1)
fallocate -l $(({volumeBytes} * ${fullPercent} / 100 - used)) /var/lib/postgresql/fire-drill.fill`,
      },
    ],
    repair: [{ in: "standby", run: "rm -f /var/lib/postgresql/fire-drill.fill; sync -f /var/lib/postgresql" }],
    expect: [
      {
        alert: "DataVolumeFilling",
        labels: { volume: "{standby}-data", severity: "warning" },
        hearer: "ticket",
        detectSeconds: minutely + 30,
      },
    ],
    silenceSeconds: 2 * minutely,
  },
  {
    id: "timer-stopped",
    phase: "short",
    what: "the restore drill's timer is stopped",
    disturbs: ["timer"],
    break: [{ in: "host", run: "systemctl stop pgbackrest-drill.timer" }],
    repair: [{ in: "host", run: "systemctl start pgbackrest-drill.timer" }],
    expect: [
      {
        alert: "TimerInactive",
        labels: { timer: "pgbackrest-drill.timer" },
        hearer: "pager",
        detectSeconds: minutely,
      },
    ],
    silenceSeconds: minutely + 30,
  },
  {
    id: "textfile-broken",
    phase: "short",
    what: "a metrics file holds what is no metric",
    disturbs: ["textfile"],
    break: [{ in: "host", run: "printf 'broken{\\n' >\"$textfiles/fire_drill_broken.prom\"" }],
    repair: [{ in: "host", run: 'rm -f "$textfiles/fire_drill_broken.prom"' }],
    expect: [{ alert: "TextfileScrapeError", labels: { instance: "{host}" }, hearer: "pager", detectSeconds: scraped }],
    silenceSeconds: 60,
  },
  {
    id: "metrics-frozen",
    phase: "short",
    what: "the standby's metrics job is stopped, its newest file old, another one gone",
    disturbs: ["metrics", "repositories"],
    break: [
      {
        in: "standby",
        run: `systemctl stop restorable-metrics.timer restorable-metrics.service
touch -d '1 hour ago' "$textfiles/restorable_repository_1.prom"
rm -f "$textfiles/restorable_node.prom"`,
      },
    ],
    repair: [{ in: "standby", run: "systemctl start restorable-metrics.timer" }],
    expect: [
      {
        alert: "MetricsStale",
        labels: { source: "file", instance: "{standby}" },
        hearer: "pager",
        detectSeconds: scraped,
      },
      {
        alert: "MetricsAbsent",
        labels: { source: "backup", instance: "{standby}" },
        hearer: "pager",
        detectSeconds: scraped,
      },
    ],
    silenceSeconds: minutely + 45,
  },
  {
    id: "services",
    phase: "short",
    what: "services answer with errors and late, Redis does not answer",
    note: "the drill writes these services' metrics itself: they are not part of the stack",
    disturbs: ["services"],
    break: [
      {
        in: "host",
        run: `systemctl reset-failed restorable-fire-drill-services.service 2>/dev/null || true
systemd-run -q --unit=restorable-fire-drill-services bash -c ${quote(`textfiles=/var/lib/node_exporter/textfile_collector; for n in $(seq 900); do ${services}\nsleep 2; done`)}`,
      },
    ],
    repair: [
      {
        in: "host",
        run: `systemctl stop restorable-fire-drill-services.service 2>/dev/null || true
rm -f "$textfiles/fire_drill_services.prom" "$textfiles/.fire-drill.new"`,
      },
    ],
    expect: [
      { alert: "RedisUnreachable", hearer: "pager", detectSeconds: scraped },
      { alert: "HighErrorRate", hearer: "ticket", detectSeconds: 2 * scraped },
      { alert: "HighLatencyP99", hearer: "ticket", detectSeconds: 2 * scraped },
    ],
    silenceSeconds: rateWindowSeconds + 45,
  },
  {
    id: "certificate-ends",
    phase: "days",
    what: "the standby's certificate is replaced by one of the lab's authority that ends in 20 days",
    disturbs: ["metrics"],
    break: [
      {
        in: "host",
        run: `. /etc/restorable/drill.env
cd /var/lib/restorable/*/authority
umask 077
openssl x509 -req -in issued/{standby}.csr -CA ca.crt -CAkey ca.key -set_serial "0x$(openssl rand -hex 16)" -sha256 -days 20 \\
  -extfile issued/{standby}.csr.ext 2>/dev/null | incus -q --project "$INCUS_PROJECT" exec {standby} -- sh -c 'cat >/etc/restorable/tls/server.crt'`,
      },
    ],
    repair: [
      {
        in: "host",
        run: `. /etc/restorable/drill.env
incus -q --project "$INCUS_PROJECT" exec {standby} -- sh -c 'cat >/etc/restorable/tls/server.crt' </var/lib/restorable/*/authority/issued/{standby}.crt`,
      },
    ],
    expect: [
      {
        alert: "CertificateExpiring",
        labels: { instance: "{standby}", severity: "warning" },
        hearer: "ticket",
        detectSeconds: minutely,
      },
    ],
    silenceSeconds: minutely + 30,
  },
];

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
