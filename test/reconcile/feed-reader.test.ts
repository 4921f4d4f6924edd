import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openJournal } from '../../src/journal/sqlite/open.ts';
import { FeedReader } from '../../src/reconcile/feed-reader.ts';
import { GuardedJournal } from '../../src/reconcile/guarded-journal.ts';
import { FakeClock, temporaryDirectory } from '../journal/fixtures.ts';
import { cidr, incomplete, nowMs, observation } from '../plan/fixtures.ts';

const a = cidr('52.0.0.1');

async function setUp(sharedMaxAgeMs?: number) {
  const clock = new FakeClock();
  const opened = await openJournal({ path: join(temporaryDirectory(), 'journal.db') });
  onTestFinished(() => opened.close());
  const journal = new GuardedJournal({ journal: opened, spool: () => {} });
  let reads = 0;
  const read = async (feed: 'control-plane' | 'static' = 'control-plane') => {
    const reader = new FeedReader({
      journal,
      clock,
      shrinkWindowMs: 1_000_000,
      observe: async each => observation(each, [a], { atMs: clock.nowMs, id: `own ${++reads}` }),
      ...(sharedMaxAgeMs !== undefined && { sharedMaxAgeMs }),
    });
    return await reader.read(feed);
  };
  return { clock, opened, read: async (feed?: 'static') => (await read(feed)).newest, readWhole: read };
}

test('a young complete reading of another worker is used, as it was made', async () => {
  const { clock, opened, read } = await setUp(30_000);
  await opened.recordObservation(observation('control-plane', [a], { id: 'theirs', atMs: nowMs }));
  clock.nowMs += 29_999;
  expect(await read()).toMatchObject({ id: 'theirs', atMs: nowMs, complete: true });
  expect(await opened.observations({ limit: 9 })).toHaveLength(1);
  clock.nowMs += 1;
  expect(await read()).toMatchObject({ id: 'own 1' });
});

test.each([
  ['one that is not complete', { ...incomplete('control-plane', [a]), id: 'theirs', atMs: nowMs }, 30_000],
  ['one from the future', observation('control-plane', [a], { id: 'theirs', atMs: nowMs + 1 }), 30_000],
  [
    'any, unless it is asked for',
    observation('control-plane', [a], { id: 'theirs', atMs: nowMs }),
    undefined,
  ],
])('%s is not', async (_, theirs, maxAgeMs) => {
  const { opened, read } = await setUp(maxAgeMs);
  await opened.recordObservation(theirs);
  expect(await read()).toMatchObject({ id: 'own 1' });
});

test('a peak that the journal does not tell is unknown, and not none', async () => {
  const { opened, readWhole } = await setUp();
  expect(await readWhole()).toMatchObject({ peakCount: 0 });
  opened.peakCount = () => Promise.reject(new Error('timeout exceeded when trying to connect'));
  expect(await readWhole()).toMatchObject({ peakCount: undefined, newest: { complete: true } });
});

test('what the config says is never taken from another worker', async () => {
  const { opened, read } = await setUp(30_000);
  await opened.recordObservation(observation('static', [], { id: 'theirs', atMs: nowMs }));
  expect(await read('static')).toMatchObject({ id: 'own 1' });
});
