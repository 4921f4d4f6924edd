import { FakeClock } from '../journal/fixtures.ts';
import { specifyJournal } from '../journal/specification.ts';
import { Disk, openMemoryJournal } from './memory-journal.ts';

specifyJournal('in memory, for the simulation', () => {
  const clock = new FakeClock();
  const disk = new Disk();
  const process = { isAlive: true };
  return {
    open: async () => openMemoryJournal({ disk, now: clock.now, process }),
    passTime: ms => clock.sleep(ms),
  };
});
