/** Opens a journal at a given moment and says how that went. Arguments: path, epoch ms. */
import { openJournal } from '../../../src/journal/sqlite/open.ts';

const [path, atMs] = process.argv.slice(2);
// Waits busily, so that all children come within the same millisecond.
while (Date.now() < Number(atMs));
try {
  const journal = await openJournal({ path: path! });
  await journal.adopt('gate', ['192.0.2.1/32' as never], process.pid);
  await journal.close();
  process.stdout.write('opened');
} catch (error) {
  process.stdout.write(String(error));
}
