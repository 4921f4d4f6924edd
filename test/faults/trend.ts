/** Whether something grows: a straight line through samples, and how sure it is. Pure. */
export interface Trend {
  /** Units per hour. */
  readonly perHour: number;
  /** The line at its end, in the samples' unit. */
  readonly level: number;
  readonly verdict: 'flat' | 'growing';
}

export interface Sample {
  readonly atMs: number;
  readonly value: number;
}

/** An hour's growth of less than this share of the level is taken for noise. */
const noiseShare = 0.1;
const hourMs = 3_600_000;

/** Growing: even the slowest line that fits (two standard errors) grows by a tenth in an hour. */
export function trendOf(samples: readonly Sample[]): Trend {
  const n = samples.length;
  if (n < 3) throw new RangeError(`a trend needs three samples or more; got ${n}`);
  const meanX = samples.reduce((sum, { atMs }) => sum + atMs, 0) / n;
  const meanY = samples.reduce((sum, { value }) => sum + value, 0) / n;
  const sxx = samples.reduce((sum, { atMs }) => sum + (atMs - meanX) ** 2, 0);
  const sxy = samples.reduce((sum, { atMs, value }) => sum + (atMs - meanX) * (value - meanY), 0);
  const slope = sxy / sxx;
  const residual = samples.reduce(
    (sum, { atMs, value }) => sum + (value - meanY - slope * (atMs - meanX)) ** 2,
    0,
  );
  const error = Math.sqrt(residual / (n - 2) / sxx);
  const level = meanY + slope * (samples.at(-1)!.atMs - meanX);
  const surelyPerHour = (slope - 2 * error) * hourMs;
  return {
    perHour: slope * hourMs,
    level,
    verdict: surelyPerHour > level * noiseShare ? 'growing' : 'flat',
  };
}

/** The least of each `size` samples in a row: between two collections a heap only grows. */
export function lowest(samples: readonly Sample[], size: number): readonly Sample[] {
  const chunks: Sample[] = [];
  for (let at = 0; at + size <= samples.length; at += size) {
    chunks.push(samples.slice(at, at + size).reduce((low, each) => (each.value < low.value ? each : low)));
  }
  return chunks;
}
