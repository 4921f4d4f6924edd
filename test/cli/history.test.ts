/** `postern history` as a process, over a journal that was really written. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cidr, parseCidr } from '../../src/address/index.ts';
import { openJournal } from '../../src/journal/sqlite/open.ts';
import { ensureBuilt, makePlace } from './postern.ts';

const place = makePlace();
const state = join(place.folder, 'journal.db');
const blocks = (...texts: string[]): readonly Cidr[] => texts.map(text => parseCidr(text));
const atMs = Date.UTC(2026, 7, 11, 14, 5);

beforeAll(async () => {
  ensureBuilt();
  const journal = await openJournal({ path: state });
  for (const [index, gateName] of ['production', 'staging', 'production'].entries()) {
    const before = blocks('52.1.2.3/32', '20.1.0.0/24');
    const target = blocks('52.1.2.3/32', '20.2.0.0/24', '20.1.1.0/24');
    const id = await journal.beginWrite({
      gateId: `id-of-${gateName}`,
      gateName,
      kind: 'add',
      before,
      target,
      planChecksum: 'c0ffee',
      by: 'alice@host (pid 42)',
      reason: `Atlas lists 2 more\u001b[2J`,
      atMs: atMs + index * 60_000,
    });
    // The last one was never finished.
    if (index < 2) await journal.finishWrite(id, { outcome: 'applied', after: target, atMs: atMs + 1 });
  }
  await journal.close();
});
afterAll(() => rmSync(place.folder, { recursive: true }));

const history = async (...args: string[]) => {
  const { exitCode, stdout, stderr } = await place.run(['history', '--state', state, ...args]);
  return { exitCode, stderr, lines: stdout.split('\n').filter(Boolean), stdout };
};

test('every write on a line, newest first, without control characters', async () => {
  const { exitCode, stderr, lines } = await history();
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(
    lines.map(line =>
      line
        .split(/ {2,}/)
        .map(cell => cell.trim())
        .filter(Boolean),
    ),
  ).toEqual([
    ['ID', 'When', 'Gate', 'What', 'In', 'Out', 'Outcome', 'By', 'Why'],
    [
      '3',
      '2026-08-11T14:07:00Z',
      'production',
      'add',
      '2',
      '1',
      'unknown',
      'alice@host (pid 42)',
      'Atlas lists 2 more\\u{1b}[2J',
    ],
    [
      '2',
      '2026-08-11T14:06:00Z',
      'staging',
      'add',
      '2',
      '1',
      'applied',
      'alice@host (pid 42)',
      'Atlas lists 2 more\\u{1b}[2J',
    ],
    [
      '1',
      '2026-08-11T14:05:00Z',
      'production',
      'add',
      '2',
      '1',
      'applied',
      'alice@host (pid 42)',
      'Atlas lists 2 more\\u{1b}[2J',
    ],
  ]);
});

test.each<[args: readonly string[], ids: readonly number[]]>([
  [[], [3, 2, 1]],
  [['--limit', '1'], [3]],
  [['--limit', '0'], []],
  [
    ['--gate', 'Production'],
    [3, 1],
  ],
  [['--gate', 'production', '--limit', '1'], [3]],
  [
    ['--gate', 'production', '--gate', 'staging'],
    [3, 2, 1],
  ],
  [['--gate', 'id-of-staging'], [2]],
  [['--gate', 'other'], []],
])('with %j the ids are %j', async (args, ids) => {
  const { stdout } = await history('--json', ...args);
  expect((JSON.parse(stdout) as { writes: { id: number }[] }).writes.map(({ id }) => id)).toEqual(ids);
});

test('one write in full, with what it closed and opened', async () => {
  const { exitCode, lines } = await history('1');
  expect(exitCode).toBe(0);
  expect(lines).toEqual([
    'write   1, add, applied',
    'gate    production (id-of-production)',
    'when    2026-08-11T14:05:00Z',
    'by      alice@host (pid 42)',
    'why     Atlas lists 2 more\\u{1b}[2J',
    'plan    c0ffee',
    'before  2 entries',
    'after   3 entries',
    '- 20.1.0.0/24',
    '+ 20.1.1.0/24',
    '+ 20.2.0.0/24',
  ]);
});

test('a write that was never finished says so', async () => {
  const { lines } = await history('3');
  expect(lines).toContain('write   3, add, outcome unknown');
  expect(lines).toContain('after   not read back; 3 were to be');
});

test('an id that is not there ends with 64', async () => {
  expect(await history('99')).toMatchObject({ exitCode: 64, lines: [] });
});
