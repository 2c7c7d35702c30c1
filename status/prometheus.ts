/** One series of an instant query's answer. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Answer {
  status: string;
  error?: string;
  data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
}

/** What reaches Prometheus: `fetch`, or a test's own. */
export type Fetch = (url: URL, options: { signal: AbortSignal }) => Promise<Response>;

/**
 * Asks Prometheus one question (an instant query, https://prometheus.io/docs/prometheus/latest/querying/api/).
 *
 * @param base address of Prometheus, such as `http://10.77.0.30:9090`
 * @throws Error that names the address when there is no answer within 5 s, or Prometheus' own words
 */
export async function ask(base: string, expr: string, get: Fetch = fetch): Promise<Sample[]> {
  const url = new URL(`${base.replace(/\/$/, "")}/api/v1/query`);
  url.searchParams.set("query", expr);
  let answer: Answer;
  try {
    answer = (await (await get(url, { signal: AbortSignal.timeout(5000) })).json()) as Answer;
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error ? cause.message : message;
    throw new Error(`Prometheus at ${base} does not answer: ${reason}`);
  }
  if (answer.status !== "success" || !answer.data) throw new Error(`Prometheus at ${base}: ${answer.error} (${expr})`);
  return answer.data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
}
