/**
 * Which of a feed's complete readings is the newest. Times alone do not tell: after a clock that was a month ahead, a
 * reading of then would be the newest for a month. The order in which they came in alone does not either: of two
 * workers, the one that read first may be the one that records last.
 */
import { isPast } from '../clock.ts';

export interface Arrived {
  readonly arrival: number;
  readonly atMs: number;
}

/**
 * @param newest of those that are recorded
 * @param atMs when the one that comes in now was made
 * @param nowMs by the clock of who records it
 * @returns its place in the order; of two with the same place the later one is the newer
 */
export function arrivalAfter(newest: Arrived | undefined, atMs: number, nowMs: number): number {
  if (!newest) return 1;
  const isOvertaken = atMs < newest.atMs && isPast(newest.atMs, nowMs);
  return isOvertaken ? newest.arrival : newest.arrival + 1;
}
