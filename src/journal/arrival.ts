/**
 * Which of a feed's complete readings is the newest. Times alone do not tell: after a clock that was a month ahead, a
 * reading of then would be the newest for a month. The order in which they came in alone does not either: of two
 * workers, the one that began first may end last.
 */

/** A reading takes no longer than this from its beginning, which is its time, until it is recorded. */
const longestReadingMs = 5 * 60_000;

export interface Arrived {
  readonly arrival: number;
  readonly atMs: number;
}

/** @returns the arrival of a reading that comes in after the newest; among equal ones the later time is the newer */
export function arrivalAfter(newest: Arrived | undefined, atMs: number): number {
  if (!newest) return 1;
  const isOvertaken = atMs < newest.atMs && newest.atMs - atMs <= longestReadingMs;
  return isOvertaken ? newest.arrival : newest.arrival + 1;
}
