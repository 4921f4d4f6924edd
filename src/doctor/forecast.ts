/** When a gate will be full, if its feeds go on growing as they did. Pure. */
import type { GateUsage } from '../gates/gate.ts';

export interface Point {
  readonly atMs: number;
  readonly addresses: number;
}

export interface Growth {
  readonly addressesPerDay: number;
  /** Over how many days it was measured. */
  readonly days: number;
}

const dayMs = 24 * 60 * 60 * 1000;
/** Less says nothing: a cluster that was made in between is no trend. */
const leastDays = 2;
const leastPoints = 3;

/** The slope of the straight line that fits one feed's readings best; undefined where they are too few. */
export function growthOf(points: readonly Point[]): Growth | undefined {
  const times = points.map(({ atMs }) => atMs / dayMs);
  const days = Math.max(...times) - Math.min(...times);
  if (points.length < leastPoints || days < leastDays) return undefined;
  const meanTime = meanOf(times);
  const meanCount = meanOf(points.map(({ addresses }) => addresses));
  let covariance = 0;
  let variance = 0;
  for (const [index, { addresses }] of points.entries()) {
    const away = times[index]! - meanTime;
    covariance += away * (addresses - meanCount);
    variance += away * away;
  }
  return { addressesPerDay: covariance / variance, days };
}

/** What a gate's feeds grow by together; feeds of which nothing is known count for nothing. */
export function totalGrowth(feeds: readonly (Growth | undefined)[]): Growth | undefined {
  const known = feeds.filter(each => each !== undefined);
  if (known.length === 0) return undefined;
  return {
    addressesPerDay: known.reduce((sum, { addressesPerDay }) => sum + addressesPerDay, 0),
    days: Math.min(...known.map(({ days }) => days)),
  };
}

/**
 * In how many days the limit is reached; undefined when the list does not grow.
 *
 * @param entries how many entries take what is used
 */
export function daysUntilFull(
  { used, limit }: GateUsage,
  entries: number,
  growth: Growth | undefined,
): number | undefined {
  if (growth === undefined || growth.addressesPerDay <= 0 || entries === 0) return undefined;
  const perDay = (used / entries) * growth.addressesPerDay;
  return Math.max(0, (limit - used) / perDay);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, each) => sum + each, 0) / values.length;
}
