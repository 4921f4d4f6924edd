/**
 * Lets at most `most` pieces of work go on at once; the others wait their turn, first come first served. What
 * fails makes room as well.
 */
export function createLimit(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async work => {
    if (running >= most) await new Promise<void>(resolve => waiting.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      // The place is handed on, so that nobody who comes meanwhile can take it.
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
