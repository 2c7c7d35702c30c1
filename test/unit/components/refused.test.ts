import { expect, it } from "vitest";
import { type Registered, settled, startEngine } from "./engine.js";
import { useShipped } from "./fixture.js";

it("V3: the production example as shipped is refused before anything is registered", async () => {
  const registered: Registered[] = await startEngine("prod");
  useShipped("prod", ({ "restorable:sshPrivateKey": _, ...config }) => config);
  const refusal = await import("../../../index.js").then(
    () => "accepted",
    (error: Error) => error.message,
  );
  await settled();
  for (const key of ["repo1CipherPass", "repo1Key", "appPassword", "monitorPassword", "hosts[0].address"]) {
    expect(refusal).toContain(`restorable:${key}:`);
  }
  expect(registered).toEqual([]);
});
