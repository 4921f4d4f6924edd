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
  const tend = async (meanwhile: () => void) => {
    const tending = keeper.tend();
    await settled();
    meanwhile();
    drains.shift()!.resolve(1);
    await tending;
  };
  const spool = () => keeper.lease().journal.spool({} as SpooledWrite);

  // The first opens the journal, the second finds it open.
  for (let n = 0; n < 2; n++) {
    await tend(spool);
    expect(keeper.dueAtMs).toBeLessThan(Number.POSITIVE_INFINITY);
    await clock.advance(5_000);
  }
  await tend(() => {});
  expect(keeper.dueAtMs).toBe(Number.POSITIVE_INFINITY);
});
