/** Writes to the journal without end, and prints each write's id once its commit has returned. Argument: path. */
import { writeSync } from 'node:fs';
import { openJournal } from '../../../src/journal/sqlite/open.ts';

const journal = await openJournal({ path: process.argv[2]! });
const cidr = (n: number) => `198.18.${(n >> 8) & 255}.${n & 255}/32` as never;
for (let n = 0; ; n++) {
  const target = Array.from({ length: 50 }, (_, i) => cidr(n + i));
  const id = await journal.beginWrite({
    gateId: 'azure-key-vault:/vault',
    gateName: 'vault',
    kind: 'add',
    before: target.slice(1),
    target,
    planChecksum: String(n),
    by: 'child',
    reason: 'test',
    atMs: n,
  });
  writeSync(1, `begun ${id}\n`);
  await journal.finishWrite(id, { outcome: 'applied', after: target, atMs: n });
  writeSync(1, `finished ${id}\n`);
}
