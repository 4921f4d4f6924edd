import type { WatchStatus } from './status.ts';

/**
 * Why not all is well; empty when it is: every feed is complete, every gate was found or brought in step and
 * lets Atlas in, and the journal can be used. Pure.
 */
export function troubles(status: Pick<WatchStatus, 'feeds' | 'gates' | 'journal'>): readonly string[] {
  const { feeds, gates, journal } = status;
  return [
    ...(journal.available ? [] : [`the journal cannot be used (${journal.because ?? 'unknown'})`]),
    ...feeds
      .filter(({ complete }) => complete !== true)
      .map(
        ({ feed, complete }) =>
          `feed ${feed} ${complete === undefined ? 'has not been read' : 'is incomplete'}`,
      ),
    ...gates.flatMap(({ name, coverage, consecutiveFailures, lastRun }) => {
      if (lastRun === undefined) return [`gate ${name} has not been looked at`];
      if (consecutiveFailures > 0 || lastRun.status === 'failed') return [`gate ${name} fails`];
      if (coverage === 'locked-out') return [`gate ${name} does not let in every address`];
      return coverage === 'let-in' ? [] : [`for gate ${name} it cannot be told`];
    }),
  ];
}
