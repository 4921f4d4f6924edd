/** When something is due again. Pure: now and randomness are handed in; times are milliseconds. */

/** An interval, a tenth earlier or later, so that what began together drifts apart. */
export function jittered(intervalMs: number, random: () => number): number {
  return intervalMs * (0.9 + random() * 0.2);
}

export interface BackOffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** After `failures` in a row, 1 or more: doubled each time up to a bound, then cut by up to a half at random. */
export function backOffMs(
  failures: number,
  { firstMs, maxMs }: BackOffOptions,
  random: () => number,
): number {
  // Counted no further than the bound needs: 2 ** 2000 is infinite.
  const doubled = firstMs * 2 ** Math.min(30, Math.max(0, failures - 1));
  return Math.min(maxMs, doubled) * (0.5 + random() / 2);
}

/** How soon a gate is tried again after a failure. */
export const gateBackOff = {
  /** The fault may pass by itself. */
  passing: { firstMs: 5_000, maxMs: 5 * 60_000 },
  /** It looks as if it stayed until someone mends it. */
  lasting: { firstMs: 60_000, maxMs: 30 * 60_000 },
  /** Something is to be added, or that cannot be told: never longer than this, whatever the fault. */
  urgentPassing: { firstMs: 5_000, maxMs: 60_000 },
  urgentLasting: { firstMs: 15_000, maxMs: 5 * 60_000 },
} as const satisfies Record<string, BackOffOptions>;

export function gateBackOffOf(given: { isLasting: boolean; isUrgent: boolean }): BackOffOptions {
  if (given.isUrgent) return given.isLasting ? gateBackOff.urgentLasting : gateBackOff.urgentPassing;
  return given.isLasting ? gateBackOff.lasting : gateBackOff.passing;
}

/** A feed that fails is tried soon, then less often: it is one reading for all gates. */
export function feedBackOff(intervalMs: number): BackOffOptions {
  return { firstMs: Math.min(5_000, intervalMs), maxMs: Math.max(2 * 60_000, intervalMs) };
}

/** Of a rate limit, this share is left to others that call from the same address or project. */
const lowShare = 0.1;
const lowFactor = 3;

/** The wait until a feed is read again. */
export function feedDelayMs(
  given: {
    readonly intervalMs: number;
    readonly faultsInARow: number;
    readonly isChanging: boolean;
    /** What is left of the endpoint's rate limit, from 0 to 1; undefined when Atlas does not say. */
    readonly shareLeft: number | undefined;
  },
  random: () => number,
): number {
  const { intervalMs, faultsInARow, isChanging, shareLeft } = given;
  const isLow = shareLeft !== undefined && shareLeft < lowShare;
  if (faultsInARow > 0) {
    const delayMs = backOffMs(faultsInARow, feedBackOff(intervalMs), random);
    return isLow ? Math.max(delayMs, jittered(intervalMs, random)) : delayMs;
  }
  if (isLow) return jittered(intervalMs * lowFactor, random);
  return jittered(isChanging ? Math.min(intervalMs, changingIntervalMs) : intervalMs, random);
}

/** While a cluster is being created or changed: its addresses come one by one. */
export const changingIntervalMs = 30_000;
