import { hostname } from "node:os";
import { describe, expect, it } from "vitest";
import { type Lock, onlyStale } from "../../../lab/lock.js";

const held = (pid: number, where = hostname()): Lock => ({ pid, hostname: where, timestamp: "2026-01-01T00:00:00Z" });
const alive = (pid: number) => pid === 7;

describe("locks on the lab's stack", () => {
  it("are no matter when there are none", () => {
    expect(onlyStale([], alive)).toBe(false);
  });

  it("are stale when their process is gone", () => {
    expect(onlyStale([held(8), held(9)], alive)).toBe(true);
  });

  it("stop the run while one of their processes lives, and say which", () => {
    expect(() => onlyStale([held(8), held(7)], alive)).toThrow(/another update .* \(process 7, since 2026-01-01/);
  });

  it("stop the run when they come from another machine", () => {
    expect(() => onlyStale([held(8, "elsewhere")], alive)).toThrow(/locked by process 8 on elsewhere .*pulumi cancel/);
  });

  it("of a number that another program has now are stale", () => {
    expect(onlyStale([held(1)])).toBe(true);
  });
});
