import type { Row, Verdict } from "./runner.js";
import type { NotDrilled } from "./scenario.js";

/** 1 when an alert did not do what it has to; else 2 when one could not be judged; else 0. */
export function exitCode(rows: readonly Row[]): 0 | 1 | 2 {
  const has = (verdict: Verdict) => rows.some((row) => row.verdict === verdict);
  return has("failed") ? 1 : has("unverified") || rows.length === 0 ? 2 : 0;
}

const said: Record<Verdict, string> = { passed: "passed", failed: "FAILED", unverified: "NOT VERIFIED" };

/** The rows as a table, what is wrong under it, and the last word. */
export function report(rows: readonly Row[], left: readonly NotDrilled[]): string {
  const number = (value: number | undefined) => (value === undefined ? "-" : value.toFixed(0));
  const head = ["alert", "scenario", "receiver", "fire", "deliver", "resolve", "bound", "verdict"];
  const body = rows.map((row) => [
    row.alert,
    row.scenario,
    row.hearer,
    ...[row.fire, row.deliver, row.resolve, row.bound].map(number),
    said[row.verdict],
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: string[]) =>
    cells
      .map((cell, column) =>
        column > 2 && column < 7 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  const problems = rows.flatMap(({ alert, scenario, problems }) =>
    problems.map((it) => `${alert} (${scenario}): ${it}`),
  );
  const notes = new Map(rows.flatMap(({ scenario, note }) => (note ? [[scenario, note]] : [])));
  const count = (verdict: Verdict) => rows.filter((row) => row.verdict === verdict).length;
  return [
    line(head),
    ...body.map(line),
    "",
    "Seconds: fire and deliver since the break, resolve since the repair; bound of fire.",
    ...[...notes].map(([scenario, note]) => `${scenario}: ${note}.`),
    ...left.map(({ alert, because }) => `Not drilled: ${alert}: ${because}.`),
    ...(problems.length > 0 ? ["", ...problems] : []),
    "",
    `${count("passed")} passed, ${count("failed")} failed, ${count("unverified")} not verified.`,
  ].join("\n");
}
