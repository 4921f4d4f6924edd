/** Opens a journal in PostgreSQL at a given moment and says how that went. Arguments: URL, epoch ms. */
import { openPostgresJournal } from '../../../src/journal/postgres/open.ts';
import { Secret } from '../../../src/secret.ts';

const [url, atMs] = process.argv.slice(2);
// Waits busily, so that all children come within the same millisecond.
while (Date.now() < Number(atMs));
try {
  const journal = await openPostgresJournal({ url: new Secret(url!, 'env:TEST') });
  await journal.adopt('gate', ['192.0.2.1/32' as never], process.pid);
  await journal.close();
  process.stdout.write('opened');
} catch (error) {
  process.stdout.write(String(error));
}
