/** Takes a lock at a given moment, prints the result, and keeps it until it is ended. Arguments: path, epoch ms. */
import { hostname } from 'node:os';
import { openJournal } from '../../../src/journal/sqlite/open.ts';

const [path, atMs] = process.argv.slice(2);
const journal = await openJournal({ path: path! });
while (Date.now() < Number(atMs));
const result = await journal.lock(
  'azure-key-vault:/vault',
  { pid: process.pid, host: hostname(), command: 'child', sinceMs: Date.now() },
  3_600_000,
);
process.stdout.write(`${JSON.stringify(result)}\n`);
setInterval(() => {}, 1_000);
