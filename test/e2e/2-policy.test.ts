import { join } from "node:path";
import { expect, it } from "vitest";
import { pulumi, root, touched } from "./lab.js";

it("X9 the lab's own stack passes the policy pack", async () => {
  const { code, output } = await pulumi(["preview", "--policy-pack", join(root, "policy")]);
  expect(code, output).toBe(0);
  expect(output).toMatch(/Policies:\n +\S+ restorable@/);
  expect(output).not.toMatch(/\[(?:mandatory|advisory)\]/);
  expect(touched(output)).toEqual([]);
});
