import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import { appendToSpool, drainSpool, type SpooledWrite, spoolPaths } from '../../src/journal/spool.ts';
import { openJournal } from '../../src/journal/sqlite/open.ts';
import { cidrs, nowMs } from '../plan/fixtures.ts';
import { gateId, intent, temporaryDirectory } from './fixtures.ts';

async function setUp() {
  const directory = temporaryDirectory();
  const journal = await openJournal({ path: join(directory, 'journal.db') });
  onTestFinished(() => journal.close());
  return { directory, journal, spool: join(directory, 'spool', 'spool.jsonl') };
}

/** The nth addition lets in 192.0.2.n, to what the earlier ones let in. */
function addition(n: number): SpooledWrite {
  const upTo = (last: number) => cidrs(...Array.from({ length: last }, (_, i) => `192.0.2.${i + 1}`));
  const atMs = nowMs + n;
  return {
    ...intent({ before: upTo(n - 1), target: upTo(n), atMs }),
    outcome: 'applied',
    after: upTo(n),
    finishedAtMs: atMs,
    error: null,
  };
}

const ownedBy = async (journal: Journal) => (await journal.owned(gateId)).map(({ cidr }) => cidr).sort();
const filesIn = (path: string) => readdirSync(dirname(path));

test('additions are journalled in order, and the file is gone', async () => {
  const { journal, spool } = await setUp();
  for (const n of [1, 2]) appendToSpool([spool], addition(n));
  expect(statSync(spool).mode & 0o777).toBe(0o600);
  expect(await drainSpool([spool], journal)).toBe(2);
  expect((await journal.writes({ limit: 9 })).map(({ id: _, ...write }) => write)).toEqual([
    addition(2),
    addition(1),
  ]);
  expect(await ownedBy(journal)).toEqual(cidrs('192.0.2.1', '192.0.2.2'));
  expect(filesIn(spool)).toEqual([]);
  expect(await drainSpool([spool], journal)).toBe(0);
});

test('the first place that can be written is taken, and two places are journalled in the order of time', async () => {
  const { journal, directory, spool } = await setUp();
  writeFileSync(join(directory, 'file'), '');
  const other = join(directory, 'other.jsonl');
  appendToSpool([join(directory, 'file', 'spool.jsonl'), other], addition(1));
  appendToSpool([spool, other], addition(2));
  expect(await drainSpool([spool, other], journal)).toBe(2);
  expect((await journal.writes({ limit: 9 })).map(({ atMs }) => atMs)).toEqual([nowMs + 2, nowMs + 1]);
  const nowhere = join(directory, 'file', 'x');
  expect(() => appendToSpool([nowhere], addition(3))).toThrow(nowhere);
});

test('what no file would take is journalled from memory, in the order of time with the rest', async () => {
  const { journal, spool } = await setUp();
  appendToSpool([spool], addition(2));
  const kept = [addition(1), addition(3)];
  expect(await drainSpool([spool], journal, { kept })).toBe(3);
  expect((await journal.writes({ limit: 9 })).map(({ atMs }) => atMs - nowMs)).toEqual([3, 2, 1]);
  expect(await ownedBy(journal)).toEqual(cidrs('192.0.2.1', '192.0.2.2', '192.0.2.3'));
  expect(await drainSpool([spool], journal, { kept })).toBe(0);
});

test('a torn line neither swallows the next one nor is lost', async () => {
  const { journal, spool } = await setUp();
  appendToSpool([spool], addition(1));
  appendFileSync(spool, '{"version":1,"gateId":"azu');
  appendToSpool([spool], addition(2));
  appendFileSync(spool, '{"version":2}');
  const faults: string[] = [];
  expect(await drainSpool([spool], journal, { onFault: fault => faults.push(fault) })).toBe(2);
  expect(readFileSync(`${spool}.unread`, 'utf8')).toMatch(/"azu\n\{"version":2\}\n$/);
  expect(faults).toEqual([expect.stringContaining('2 lines')]);
  expect(filesIn(spool)).toEqual(['spool.jsonl.unread']);
});

test('wherever the journal fails or the process ends, a later run journals all of it, and nothing twice', async () => {
  for (let failAt = 1; failAt <= 6; failAt++) {
    const { journal, spool } = await setUp();
    for (const n of [1, 2, 3]) appendToSpool([spool], addition(n));
    let calls = 0;
    const failing = new Proxy(journal, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (name !== 'beginWrite' && name !== 'finishWrite') {
          return typeof value === 'function' ? value.bind(target) : value;
        }
        return (...args: unknown[]) => {
          calls++;
          if (calls === failAt) throw new Error('disk full');
          return value.apply(target, args);
        };
      },
    });
    await expect(drainSpool([spool], failing)).rejects.toThrow('disk full');
    await drainSpool([spool], journal);
    const writes = await journal.writes({ limit: 9 });
    expect(writes.map(({ atMs, outcome }) => [atMs, outcome])).toEqual(
      [3, 2, 1].map(n => [nowMs + n, 'applied']),
    );
    expect(await ownedBy(journal)).toEqual(addition(3).target);
    expect(filesIn(spool)).toEqual([]);
  }
});

test('what a killed process had taken is journalled by the next', async () => {
  const { journal, spool } = await setUp();
  appendToSpool([spool], addition(1));
  const taken = `${spool}.taken-${2 ** 30}-123`;
  execFileSync('mv', [spool, taken]);
  appendToSpool([spool], addition(2));
  expect(await drainSpool([spool], journal)).toBe(2);
  expect(filesIn(spool)).toEqual([]);
});

test('two callers at once journal each addition once', async () => {
  const { journal, directory, spool } = await setUp();
  const second = await openJournal({ path: join(directory, 'journal.db') });
  onTestFinished(() => second.close());
  for (const n of [1, 2, 3]) appendToSpool([spool], addition(n));
  const counts = await Promise.all([drainSpool([spool], journal), drainSpool([spool], second)]);
  expect(counts.toSorted()).toEqual([0, 3]);
  expect(await journal.writes({ limit: 9 })).toHaveLength(3);
});

test('an addition that is older than what the journal has takes nothing out of our care', async () => {
  const { journal, spool } = await setUp();
  appendToSpool([spool], addition(1));
  const later = cidrs('198.51.100.7');
  const id = await journal.beginWrite(intent({ before: [], target: later, atMs: nowMs + 50 }));
  await journal.finishWrite(id, { outcome: 'applied', after: later, atMs: nowMs + 50 });
  expect(await drainSpool([spool], journal)).toBe(1);
  expect(await ownedBy(journal)).toEqual([...cidrs('192.0.2.1'), ...later]);
});

const planted: readonly (readonly [string, (path: string, real: string) => void])[] = [
  ['that others can write', path => chmodSync(path, 0o666)],
  ['that is a symbolic link', (path, real) => replace(path, real, symlinkSync)],
  ['that has a second name', (path, real) => replace(path, real, linkSync)],
  ['that is a pipe', (path, real) => replace(path, real, () => execFileSync('mkfifo', [path]))],
];

function replace(path: string, real: string, link: (real: string, path: string) => void): void {
  renameSync(path, real);
  link(real, path);
}

for (const [name, plant] of planted) {
  test(`a spool ${name} is neither believed nor written, and does not hang`, async () => {
    const { journal, directory } = await setUp();
    const path = join(directory, 'planted.jsonl');
    writeFileSync(path, lineOf(1), { mode: 0o600 });
    plant(path, join(directory, 'real'));
    const faults: string[] = [];
    expect(await drainSpool([path], journal, { onFault: fault => faults.push(fault) })).toBe(0);
    expect(faults).toEqual([expect.stringContaining(path)]);
    expect(await journal.owned(gateId)).toEqual([]);
    expect(() => appendToSpool([path], addition(2))).toThrow(path);
    const other = join(directory, 'other.jsonl');
    appendToSpool([path, other], addition(2));
    expect(existsSync(other)).toBe(true);
  });
}

test.skipIf(process.getuid?.() !== 0)('a spool that another user owns is not believed', async () => {
  const { journal, directory } = await setUp();
  const path = join(directory, 'planted.jsonl');
  writeFileSync(path, lineOf(1), { mode: 0o600 });
  execFileSync('chown', ['65534', path]);
  expect(await drainSpool([path], journal)).toBe(0);
  expect(() => appendToSpool([path], addition(2))).toThrow('not trusted');
});

test('a line that would let in what is no block is kept aside', async () => {
  const { journal, spool } = await setUp();
  appendToSpool([spool], { ...addition(1), target: ['0.0.0.0/0 or so' as never] });
  appendToSpool([spool], { ...addition(2), kind: 'remove' });
  expect(await drainSpool([spool], journal)).toBe(0);
  expect(await journal.writes({ limit: 9 })).toEqual([]);
  expect(filesIn(spool)).toEqual(['spool.jsonl.unread']);
});

test('the second place is the user’s own in the system’s directory', () => {
  const [first, second] = spoolPaths('/var/lib/postern/journal.db');
  expect(first).toBe(join('/var/lib/postern', 'spool.jsonl'));
  expect(second).toContain(`postern-spool-${process.getuid?.() ?? 'user'}`);
});

function lineOf(n: number): string {
  return `${JSON.stringify({ version: 1, ...addition(n) })}\n`;
}
