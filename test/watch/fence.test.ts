/** A run of the daemon that was paused for longer than its lock lasts: it sends no write when it goes on. */
import { expect, test } from 'vitest';
import type { HeldLock } from '../../src/journal/journal.ts';
import { minuteMs, Rig } from './rig.ts';

const listUrl = 'http://vault.lab/network-acls';

test('a lock that is over between the read and the write: nothing is sent, and the next run looks anew', async () => {
  const rig = new Rig();
  let isOver = false;
  const { open } = rig.store;
  rig.store = {
    ...rig.store,
    open: async () => {
      const journal = await open.call(rig.store);
      const lock = journal.lock.bind(journal);
      journal.lock = async (...args) => ({
        ...((await lock(...args)) as HeldLock),
        isCertain: () => !isOver,
      });
      return journal;
    },
  };
  rig.onRequest = ({ url }) =>
    url === listUrl ? Promise.resolve({ status: 200, headers: {}, body: new Uint8Array() }) : undefined;
  rig.onOpenGate = (_, transport) => {
    rig.gate.onWrite = () => transport.send({ method: 'PATCH', url: listUrl, headers: {} });
  };
  const sent = () => rig.requestsTo('network-acls').length;
  // The list is read when the run is paused; the intent of its write is journalled all the same.
  rig.gate.onRead = () => {
    isOver = rig.of('run-ended').length === 0;
  };
  rig.start();
  await rig.clock.advance(5_000);
  expect(rig.of('run-ended')[0]?.summary).toMatchObject({ status: 'refused', writes: [] });
  expect(sent()).toBe(0);
  expect(rig.gate.writes).toEqual([]);

  await rig.clock.advance(2 * minuteMs);
  expect(sent()).toBe(1);
  expect(rig.lockedOut()).toEqual([]);
  const outcomes = (await rig.watch.journal!.writes({ limit: 9 })).map(({ outcome }) => outcome);
  expect(outcomes).toEqual(['applied', 'not-applied']);
});
