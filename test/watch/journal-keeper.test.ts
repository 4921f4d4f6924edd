import { expect, test } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import type { SpooledWrite } from '../../src/journal/spool.ts';
import { JournalKeeper } from '../../src/watch/journal-keeper.ts';
import { SimClock, settled } from './sim-clock.ts';

test('what is spooled while the spool is being journalled is journalled next', async () => {
  const clock = new SimClock(0);
  const drains: PromiseWithResolvers<number>[] = [];
  const journal = { location: 'here', close: async () => {} } as Partial<Journal> as Journal;
  const keeper = new JournalKeeper({
    clock,
    random: () => 0.5,
    emit: () => {},
    store: {
      location: 'here',
      open: async () => journal,
      spool: () => {},
      drain: () => {
        const drain = Promise.withResolvers<number>();
        drains.push(drain);
        return drain.promise;
      },
    },
  });
  const spool = () => keeper.lease().journal.spool({} as SpooledWrite);

  const opening = keeper.tend();
  await settled();
  spool();
  drains[0]!.resolve(0);
  await opening;
  expect(keeper.dueAtMs).toBeLessThan(Number.POSITIVE_INFINITY);

  await clock.advance(5_000);
  const draining = keeper.tend();
  await settled();
  spool();
  drains[1]!.resolve(1);
  await draining;
  expect(keeper.dueAtMs).toBeLessThan(Number.POSITIVE_INFINITY);

  await clock.advance(5_000);
  const last = keeper.tend();
  await settled();
  drains[2]!.resolve(1);
  await last;
  expect(keeper.dueAtMs).toBe(Number.POSITIVE_INFINITY);
});
