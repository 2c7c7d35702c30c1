# Joins what lives with the evidence that it can be brought back. Input: the two answers of Prometheus, {live, evidence}.
# Arguments: $now, $settings (see coverage.sh). Output: the ledger as one object; everything that `--json` prints.

def samples: [.data.result[] | .metric + {value: (.value[1] | tonumber? // null)} | select(.value != null and (.value | isnan | not))];
def word($text): $text // "";
def newest: map(.value) | max // 0;
def named($name): map(select(.__name__ == $name));
def where($labels): map(select(. as $it | $labels | to_entries | all(.value == word($it[.key]))));

(.live | samples) as $live
| (.evidence | samples) as $evidence
| $settings.prefix as $prefix
| $settings.stanza as $stanza

# A time of the future, beyond what clocks differ, proves nothing.
| def fresh($at; $bound): $at > 0 and $at <= $now + 300 and $now - $at <= $bound;
  def destination($by; $backups; $drills): {by: $by, backup: ($backups | newest), drill: ($drills | newest)};

# Where a thing of the formation went: each repository as a whole, and the logical export.
  def repositories(drills): $evidence | where({stanza: $stanza})
    | . as $all | named("restorable_repository_last_backup_timestamp_seconds") | map(word(.repo)) | unique
    | map(. as $repo | destination("repository \($repo)";
        $all | named("restorable_repository_last_backup_timestamp_seconds") | where({repo: $repo});
        $all | drills | where({repo: $repo})));
  # A database that is younger than the newest backup of the stanza is in its WAL.
  def of_formation($it): repositories(named("\($prefix)_backup_drill_database_last_success_timestamp_seconds") | where({database: $it.name}))
    + [$evidence | where({stanza: $stanza, database: $it.name}) | destination("export";
        named("restorable_export_last_success_timestamp_seconds") | map(select(.value >= $it.created));
        named("\($prefix)_export_drill_last_success_timestamp_seconds"))];
  # One dump holds all that is in its container. No drill of it runs by itself.
  def of_docker($it): [$settings.dumps[] | select(.host == $it.namespace and .container == $it.source) | . as $dump
    | $evidence | where({kind: $dump.kind, host: $dump.host}) | map(select(.value >= $it.created))
    | destination("\($dump.kind) dump"; named("\($prefix)_dump_last_success_timestamp_seconds"); []),
      destination("\($dump.kind) dump off site"; named("\($prefix)_dump_upload_last_success_timestamp_seconds"); [])];
  def of_kubernetes($it; $labels): [$evidence | where($labels + {namespace: $it.namespace, source: $it.source}) | destination("cluster dump";
        named("\($prefix)_cluster_dump_last_success_timestamp_seconds") | map(select(.value >= $it.created));
        named("\($prefix)_cluster_drill_last_success_timestamp_seconds"))];
  def destinations($it): (
      if $it.place == "formation" and $it.kind == "database" then of_formation($it)
      elif $it.place == "incus" and ([$it.name] | inside($settings.stanzaVolumes)) then
        repositories(named("\($prefix)_backup_drill_last_success_timestamp_seconds"))
      elif $it.place == "docker" and $it.source != "" then of_docker($it)
      elif $it.place == "kubernetes" and $it.kind == "database" then of_kubernetes($it; {database: $it.name})
      # A volume of a Postgres is as good as the dumps of its databases, each of which is listed by itself.
      elif $it.place == "kubernetes" and $it.source != "" then of_kubernetes($it; {})
      else [] end) | map(select(.backup > 0 or .drill > 0));

# Inventories that the settings expect; what they say counts only while it is new.
  def inventory($place; $reporter): $live | named("restorable_live_timestamp_seconds") | where({place: $place})
    | map(select($reporter == "" or word(.reporter) == $reporter)) | newest;
  [$settings.places[] | . + {at: inventory(.place; .reporter)} | select(fresh(.at; $settings.inventoryMaxAgeSeconds) | not)
    | . + {why: (if .at == 0 then "no inventory" elif .at > $now then "an inventory of the future" else "an old inventory" end)}] as $unverified
| [$unverified[].place] as $blind

| def matches($pattern; $text): $text | test("^" + ($pattern | gsub("(?<c>[.+?^${}()|\\[\\]\\\\])"; "\\\(.c)") | gsub("\\*"; ".*")) + "$");
  def path: [.namespace, .source, .name] | map(select(. != "")) | join("/");
  def acceptance($it): first($settings.accepted[] | select(.place == $it.place)
    | select(.name as $pattern | [$it.name, ($it | path)] | any(matches($pattern; .)))
    | select($it.verdict == "uncovered" and .only != "drill" or $it.verdict == "undrilled")) // null;
  def judged: . as $it | destinations($it) as $found
    | ($found | map(select(fresh(.backup; $settings.backupMaxAgeSeconds)))) as $backed
    | ($backed | map(select(fresh(.drill; $settings.drillMaxAgeSeconds)))) as $proved
    | . + {destinations: $found,
        backup: ($found | max_by(.backup) // {backup: 0} | {at: .backup, by: (if .backup > 0 then .by else null end)}),
        drill: ($found | max_by(.drill) // {drill: 0} | {at: .drill, by: (if .drill > 0 then .by else null end)}),
        verdict: (if ($proved | length) > 0 then "covered" elif ($backed | length) > 0 then "undrilled" else "uncovered" end)}
    | acceptance(.) as $accepted
    | if $accepted then . + {verdict: "accepted", reason: $accepted.reason}
      elif .verdict != "uncovered" and ([.place] | inside($blind)) then . + {verdict: "unverified"} else . end;

  ([$live[] | select(.__name__ == "restorable_live_database" or .__name__ == "restorable_live_volume")
    | select(.value == 1)
    | {place: word(.place), namespace: word(.namespace), source: word(.source),
       kind: (if .__name__ == "restorable_live_database" then "database" else "volume" end),
       name: (if .__name__ == "restorable_live_database" then word(.database) else word(.name) end)}]
    | unique
    # A server that could not be asked, of which somebody else tells the databases.
    | . as $all | map(select(. as $it | .name != "(unknown)" or ($all | any(.kind == "database" and .name != "(unknown)"
        and [.place, .namespace, .source] == [$it.place, $it.namespace, $it.source]) | not)))
    | map(. as $it | . + {created: ($live | named("restorable_live_created_timestamp_seconds")
        | where({place: $it.place, namespace: $it.namespace, source: $it.source, database: $it.name}) | newest)})
    | map(judged) | sort_by(.place, .kind, .namespace, .source, .name)) as $things
| {at: $now, stanza: $stanza,
   counts: (["covered", "undrilled", "uncovered", "accepted", "unverified"]
     | map(. as $verdict | {key: ., value: ($things | map(select(.verdict == $verdict)) | length)}) | from_entries),
   unverified: $unverified, things: ($things | map(. + {path: path}))}
