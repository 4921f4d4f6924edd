/** The journal on the world's disk, as a process that can die has it. */
import type { Journal } from '../../src/journal/journal.ts';
import type { SpooledWrite } from '../../src/journal/spool.ts';
import type { JournalStore as SessionStore } from '../../src/reconcile/session.ts';
import type { JournalStore as DaemonStore } from '../../src/watch/watch.ts';
import { type JournalFile, openMemoryJournal } from './memory-journal.ts';
import type { SimulatedProcess } from './process.ts';
import type { World } from './world.ts';

/** @param around sees each call of the journal, and waits for it */
export function storeOf(
  world: World,
  process: SimulatedProcess,
  around: <T>(work: () => Promise<T>) => Promise<T> = work => work(),
): DaemonStore & SessionStore {
  const { disk } = world;
  const call = <T>(work: () => Promise<T>) => around(() => process.call(work));
  let opened: JournalFile | undefined;
  return {
    location: 'the simulated disk',
    open: () =>
      call(async () => {
        const journal = openMemoryJournal({ disk, now: () => world.machineNow(), process });
        opened = disk.file;
        return interruptible(journal, call);
      }),
    isInPlace: () => opened === undefined || opened === disk.file,
    spool: write => disk.append(write),
    drain: async (journal: Journal, _onFault?: unknown, kept: readonly SpooledWrite[] = []) => {
      const spooled = [...disk.spooled, ...kept].sort((a, b) => a.atMs - b.atMs);
      for (const write of spooled) {
        await drainOne(journal, write);
        disk.spooled = disk.spooled.filter(each => each !== write);
      }
      return spooled.length;
    },
  };
}

async function drainOne(journal: Journal, write: SpooledWrite): Promise<void> {
  const known = (await journal.writes({ gateId: write.gateId, limit: 1_000 })).some(
    each => each.atMs === write.atMs && each.planChecksum === write.planChecksum,
  );
  if (known) return;
  const id = await journal.beginWrite(write);
  await journal.finishWrite(id, {
    outcome: 'applied',
    after: write.after,
    atMs: write.finishedAtMs ?? write.atMs,
  });
}

/** Every call of the journal is a point before and after which the process can die. */
function interruptible(journal: Journal, call: <T>(work: () => Promise<T>) => Promise<T>): Journal {
  return new Proxy(journal, {
    get: (target, name) => {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => call(() => Reflect.apply(value, target, args) as Promise<unknown>);
    },
  });
}
