import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type AlertName, alertNames } from "../../../render/alerting/alertNames.js";
import { type Inhibition, inhibitions } from "../../../render/alerting/inhibitions.js";
import { renderAlertRules } from "../../../render/alertRules.js";
import { args } from "../../alerts/args.js";

const rendered = new Set(
  (parse(renderAlertRules(args)) as { groups: { rules: { alert: AlertName }[] }[] }).groups.flatMap(({ rules }) =>
    rules.map(({ alert }) => alert),
  ),
);

describe("names of alerts", () => {
  it("are those of the rules, no more and no fewer", () => {
    expect([...rendered].sort()).toEqual([...alertNames].sort());
  });
});

const silences = (source: AlertName, target: AlertName) =>
  inhibitions.filter((it) => it.source === source && it.targets.includes(target));

describe("inhibition", () => {
  it("makes of a dead store one page", () => {
    const six: AlertName[] = [
      "ArchivingStalled",
      "ArchiverFailing",
      "RpoBoundBroken",
      "FullBackupStale",
      "DiffBackupStale",
      "BackupRestoreDrillUnverified",
    ];
    for (const alert of six) expect(silences("RepositoryUnreachable", alert), alert).not.toEqual([]);
  });

  it("silences nothing of another repository", () => {
    for (const { targets, targetLabels, equal } of inhibitions.filter((it) => it.source === "RepositoryUnreachable")) {
      expect(equal.includes("repo") || targetLabels?.repo === "", targets.join()).toBe(true);
    }
  });

  it("never silences what needs a repair of its own", () => {
    const own: AlertName[] = [
      "WalDirectoryFilling",
      "DataVolumeFilling",
      "WalDropped",
      "ArchiveGap",
      "MultiplePrimaries",
      "NoPrimary",
      "MonitorDown",
      "CommitsHanging",
      "RepositoryUnreachable",
      "BackupRestoreDrillFailed",
      "DeadMansSwitch",
    ];
    for (const { targets } of inhibitions) expect(own.filter((alert) => targets.includes(alert))).toEqual([]);
  });

  it("leaves at least one alert in every chain: no two silence each other", () => {
    // ServiceDown of one port silences that of another: which is which, the labels say.
    const edges = inhibitions.filter(({ source, targets }) => !targets.includes(source));
    const reaches = (from: AlertName, to: AlertName, seen = new Set<AlertName>()): boolean =>
      edges
        .filter(({ source }) => source === from && !seen.has(source))
        .some(({ source, targets }) => targets.some((it) => it === to || reaches(it, to, new Set([...seen, source]))));
    for (const alert of alertNames) expect(reaches(alert, alert), alert).toBe(false);
    const selves = inhibitions.filter(({ source, targets }) => targets.includes(source));
    const apart = ({ sourceLabels = {}, targetLabels = {} }: Inhibition) =>
      Object.entries(targetLabels).some(
        ([label, value]) => sourceLabels[label] !== undefined && sourceLabels[label] !== value,
      );
    expect(selves.filter((it) => !apart(it))).toEqual([]);
  });

  it("gives a reason for each", () => {
    expect(inhibitions.filter(({ because }) => because.length < 20)).toEqual([]);
  });
});
