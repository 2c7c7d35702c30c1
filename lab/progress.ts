const started = Date.now();
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

/** How long each step took, for the summary. */
export const durations: { name: string; seconds: number; note: string }[] = [];

const stamp = () => `[${seconds(Date.now() - started).padStart(8)}]`;

export function say(line: string): void {
  process.stderr.write(`${stamp()} ${line}\n`);
}

/** Runs one step with its name, a sign of life every 15 s, and its duration; the result says what was done. */
export async function step<T extends string | undefined>(
  name: string,
  run: (note: (line: string) => void) => Promise<T>,
): Promise<T> {
  const begin = Date.now();
  say(`${name} ...`);
  const alive = setInterval(() => say(`${name}: running for ${seconds(Date.now() - begin)}`), 15_000);
  try {
    const result = await run((line) => say(`  ${name}: ${line}`));
    const took = Date.now() - begin;
    durations.push({ name, seconds: took / 1000, note: result ?? "" });
    say(`${name}: ${result ?? "done"} (${seconds(took)})`);
    return result;
  } catch (error) {
    say(`${name}: FAILED after ${seconds(Date.now() - begin)}`);
    throw error;
  } finally {
    clearInterval(alive);
  }
}

export function elapsedSeconds(): number {
  return (Date.now() - started) / 1000;
}
