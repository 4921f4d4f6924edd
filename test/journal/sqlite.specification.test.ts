import { join } from 'node:path';
import { openJournal } from '../../src/journal/sqlite/open.ts';
import { FakeClock, temporaryDirectory } from './fixtures.ts';
import { specifyJournal } from './specification.ts';

specifyJournal('SQLite', () => {
  const clock = new FakeClock();
  const path = join(temporaryDirectory(), 'state', 'journal.db');
  return { open: () => openJournal({ path, clock }), passTime: ms => clock.sleep(ms) };
});
