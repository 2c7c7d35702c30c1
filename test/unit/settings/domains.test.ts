import { expect, it } from "vitest";
import { failureDomainWarnings, parseSettings } from "../../../settings.js";
import { changed, goodSecrets, smallest } from "./fixture.js";

const warnings = (values: Record<string, unknown>) =>
  failureDomainWarnings(parseSettings(changed(values), goodSecrets));

it("says nothing where nothing is lost together", () => {
  expect(failureDomainWarnings(parseSettings(smallest(), goodSecrets))).toEqual([]);
});

it("warns of primary and standby in one domain", () => {
  expect(warnings({ "hosts[1].failureDomain": "a" })).toEqual([
    expect.stringMatching(/^All data nodes \(pgaf-primary and pgaf-replica\) are in the failure domain a:/),
  ]);
});

it("warns of two among three data nodes", () => {
  const three = warnings({ "formation.nodes[2]": { host: "host-b", address: "10.1.0.14" } });
  expect(three).toEqual([expect.stringMatching(/^The data nodes pgaf-replica and pgaf-replica-2 .* domain b:/)]);
});

it("warns of the monitor beside the first primary", () => {
  expect(warnings({ "formation.monitor.host": "host-a" })).toEqual([
    expect.stringMatching(/^The monitor and pgaf-primary.* domain a:/),
  ]);
});

it("warns of data and its repository in one domain", () => {
  expect(warnings({ "backup.repositories[0].failureDomain": "b" })).toEqual([
    expect.stringMatching(/^The data node pgaf-replica is in the same failure domain b as repository 1:/),
  ]);
});
