import { describe, expect, it } from "vitest";
import { digestReport, fileTimes } from "../digest.mjs";

const update = `AssertionError: Updating (lab):
    command:remote:Command (pgaf-primary-container):
      \u001b[31merror\u001b[39m: Process exited with status 1:
      pgaf-primary: refused: a backup runs here (pgbackrest-full.service)
    Resources: 3 updated
    at test/e2e/x.test.ts:1:1`;

describe("what a person reads first of a run that failed", () => {
  it("names each failed test and the lines that tell why", () => {
    const report = {
      testResults: [
        {
          name: "/checkout/test/e2e/x.test.ts",
          message: "",
          assertionResults: [
            { status: "passed", title: "one", ancestorTitles: ["group"], failureMessages: [] },
            { status: "failed", title: "two", ancestorTitles: ["group"], failureMessages: [update] },
          ],
        },
        { name: "/checkout/test/e2e/y.test.ts", message: "Error: does not load", assertionResults: [] },
      ],
    };
    expect(digestReport(report, "/checkout")).toEqual([
      "FAILED test/e2e/x.test.ts: group > two",
      "    AssertionError: Updating (lab):",
      "    error: Process exited with status 1:",
      "    pgaf-primary: refused: a backup runs here (pgbackrest-full.service)",
      "FAILED test/e2e/y.test.ts, before its tests",
      "    Error: does not load",
    ]);
  });

  it("lists files by the time that they took", () => {
    const file = (name: string, seconds: number) => ({ name: `/r/${name}`, startTime: 0, endTime: seconds * 1000 });
    expect(fileTimes({ testResults: [file("a", 1), file("b", 3)] }, "/r")).toEqual([
      ["b", 3],
      ["a", 1],
    ]);
  });
});
