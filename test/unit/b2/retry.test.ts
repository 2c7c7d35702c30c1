import { describe, expect, it } from "vitest";
import { defaultRetry, waitMs } from "../../../providers/b2/retry.js";

const wait = (failed: number, retryAfter: string | null = null, random = 1, now = 0) =>
  waitMs(defaultRetry, failed, retryAfter, random, now);

describe("the wait before another attempt", () => {
  it("doubles up to a bound, with half of it by chance", () => {
    expect([1, 2, 3].map((failed) => wait(failed))).toEqual([500, 1000, 2000]);
    expect(wait(1, null, 0)).toBe(250);
    expect(wait(30)).toBe(20_000);
  });

  it("is what the server asks for, in seconds or as a date, and no more than a minute", () => {
    expect(wait(1, "3", 0)).toBe(3000);
    expect(wait(1, "Thu, 01 Jan 1970 00:00:09 GMT", 0, 4000)).toBe(5000);
    expect(wait(1, "86400", 0)).toBe(60_000);
    expect(wait(1, "Thu, 01 Jan 1970 00:00:00 GMT", 0, 4000)).toBe(0);
  });

  it("ignores what cannot be read", () => {
    expect(wait(1, "soon")).toBe(500);
    expect(wait(1, "")).toBe(500);
  });
});
