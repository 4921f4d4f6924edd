/**
 * Takes a gate's lock with a lease, says so, and then journals a write each time a line comes in, and says how
 * that went. Arguments: URL, lease in ms.
 */
import { hostname } from 'node:os';
import { createInterface } from 'node:readline';
import { openPostgresJournal } from '../../../src/journal/postgres/open.ts';
import { Secret } from '../../../src/secret.ts';

const [url, leaseMs] = process.argv.slice(2);
const journal = await openPostgresJournal({ url: new Secret(url!, 'env:TEST') });
const say = (what: unknown) => process.stdout.write(`${JSON.stringify(what)}\n`);
const gateId = 'azure-key-vault:/vault';
const holder = { pid: process.pid, host: hostname(), command: 'child', sinceMs: Date.now() };
const lock = await journal.lock(gateId, holder, Number(leaseMs));
if (!lock.acquired) throw new Error('not acquired');
say({ locked: true });
for await (const _ of createInterface({ input: process.stdin })) {
  const wasCertain = lock.isCertain();
  try {
    const intent = {
      gateId,
      gateName: 'vault',
      kind: 'add',
      planChecksum: '',
      by: 'child',
      reason: '',
    } as const;
    await journal.beginWrite({ ...intent, before: [], target: [], atMs: Date.now() }, lock.token);
    say({ wasCertain, begun: true });
  } catch (error) {
    say({ wasCertain, begun: false, error: (error as Error).name });
  }
}
