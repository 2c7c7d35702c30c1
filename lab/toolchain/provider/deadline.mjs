/**
 * A signal for one operation: aborted with the plugin's own, or when the operation's time is over.
 * @param {AbortSignal} cancelled
 * @param {number} seconds 0 for no limit
 * @returns {{ signal: AbortSignal, end: () => void }} `end` when the operation is over
 */
export function deadline(cancelled, seconds) {
  const own = new AbortController();
  const cancel = () => own.abort(cancelled.reason);
  if (cancelled.aborted) cancel();
  cancelled.addEventListener("abort", cancel);
  const timer =
    seconds > 0 ? setTimeout(() => own.abort(new Error("context deadline exceeded")), seconds * 1000) : undefined;
  return {
    signal: own.signal,
    end() {
      clearTimeout(timer);
      cancelled.removeEventListener("abort", cancel);
    },
  };
}
