/** Randomness from a seed: the same words give the same numbers, on every machine. */

/** From 0 up to, but not, 1. */
export type Random = () => number;

/** A generator of its own for each use, so that one more draw here shifts nothing there. */
export function randomFor(...words: readonly (string | number)[]): Random {
  let state = hash(words.join(' '));
  // mulberry32: small, fast, and good enough to choose faults by.
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** FNV-1a with a final mix. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  return value ^ (value >>> 13);
}

export function between(random: Random, least: number, most: number): number {
  return least + random() * (most - least);
}

export function integer(random: Random, least: number, most: number): number {
  return Math.floor(between(random, least, most + 1));
}

export function pick<T>(random: Random, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)]!;
}

/** Some of a list, in random order. */
export function some<T>(random: Random, list: readonly T[], count: number): T[] {
  const rest = [...list];
  const chosen: T[] = [];
  while (chosen.length < count && rest.length > 0) {
    chosen.push(...rest.splice(Math.floor(random() * rest.length), 1));
  }
  return chosen;
}

/** The wait until something that happens so often a year happens next. */
export function waitMs(random: Random, timesPerYear: number): number {
  return (-Math.log(1 - random()) / timesPerYear) * 365 * 24 * 60 * 60_000;
}
