/** When a call is repeated, and after which wait. */
export interface RetryPolicy {
  /** Attempts of one call, the first included. */
  attempts: number;
  /** First and longest wait, ms. */
  baseMs: number;
  maxMs: number;
  /** Longest wait that a server may ask for with Retry-After, ms. */
  maxAskedMs: number;
  /** No further attempt begins later than this after the first, ms. */
  totalMs: number;
}

export const defaultRetry: RetryPolicy = {
  attempts: 8,
  baseMs: 500,
  maxMs: 20_000,
  maxAskedMs: 60_000,
  totalMs: 180_000,
};

/** Statuses that are normal under load or after a fault, and go away. */
export const passes = (status: number): boolean => status === 408 || status === 429 || status >= 500;

/**
 * Wait before the next attempt, ms.
 *
 * @param failed attempts so far
 * @param retryAfter the header of that name: seconds or a date
 * @param random from 0 to 1: clients that failed together do not come back together
 */
export function waitMs(
  policy: RetryPolicy,
  failed: number,
  retryAfter: string | null,
  random: number,
  now: number,
): number {
  const backoff = Math.min(policy.maxMs, policy.baseMs * 2 ** (failed - 1));
  const jittered = backoff * (0.5 + random / 2);
  const asked = askedMs(retryAfter, now);
  return asked === undefined ? jittered : Math.min(policy.maxAskedMs, asked) + policy.baseMs * random;
}

function askedMs(header: string | null, now: number): number | undefined {
  if (header === null || header.trim() === "") return undefined;
  const seconds = Number(header);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
}
