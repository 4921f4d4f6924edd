import { join } from 'node:path';
import { openJournal } from '../../src/journal/sqlite/open.ts';
import { temporaryDirectory } from './fixtures.ts';
import { specifyJournal } from './specification.ts';

specifyJournal('SQLite', clock => {
  const path = join(temporaryDirectory(), 'state', 'journal.db');
  return { open: () => openJournal({ path, clock }) };
});
