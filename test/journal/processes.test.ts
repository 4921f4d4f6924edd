/** The journal among real processes: they open, lock and write it at once, and are killed at it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { livenessOf, processIdentity } from '../../src/journal/process-identity.ts';
import { openJournal } from '../../src/journal/sqlite/open.ts';
import { gateId, holder, leaseMs, temporaryDirectory } from './fixtures.ts';

/** More with POSTERN_KILLS; the default keeps the suite short. */
const kills = Number(process.env.POSTERN_KILLS ?? 30);

const newPath = () => join(temporaryDirectory(), 'state', 'journal.db');

function start(script: string, ...args: readonly (string | number)[]) {
  const file = new URL(`children/${script}.ts`, import.meta.url).pathname;
  const child = spawn(process.execPath, [file, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let output = '';
  child.stdout.on('data', chunk => {
    output += chunk;
  });
  return { child, output: () => output, closed: once(child, 'close') };
}

async function kill({ child, closed }: { child: ChildProcess; closed: Promise<unknown> }) {
  child.kill('SIGKILL');
  await closed;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 5));
}

test('four processes that make one journal in the same moment all have it, five times', async () => {
  for (let round = 0; round < 5; round++) {
    const path = newPath();
    const atMs = Date.now() + 1_500;
    const children = [1, 2, 3, 4].map(() => start('open', path, atMs));
    await Promise.all(children.map(({ closed }) => closed));
    expect(children.map(({ output }) => output())).toEqual(Array(4).fill('opened'));
    expect(integrity(path)).toBe('ok');
  }
}, 60_000);

test('of four processes that lock in the same moment one has it, and the others name it', async () => {
  const path = newPath();
  await (await openJournal({ path })).close();
  const atMs = Date.now() + 1_500;
  const children = [1, 2, 3, 4].map(() => start('lock', path, atMs));
  await until(() => children.every(({ output }) => output().endsWith('\n')));
  const results = children.map(({ child, output }) => ({ pid: child.pid, ...JSON.parse(output()) }));
  const winners = results.filter(({ acquired }) => acquired);
  expect(winners).toHaveLength(1);
  for (const { acquired, holder: named } of results) if (!acquired) expect(named.pid).toBe(winners[0]!.pid);
  await Promise.all(children.map(kill));
}, 60_000);

test('a holder that was killed is replaced at once; one that lives is not', async () => {
  const path = newPath();
  const running = start('lock', path, 0);
  await until(() => running.output().endsWith('\n'));
  const journal = await openJournal({ path });
  onTestFinished(() => journal.close());
  expect(await journal.lock(gateId, holder(), leaseMs)).toMatchObject({
    acquired: false,
    holder: { pid: running.child.pid, command: 'child' },
  });
  await kill(running);
  expect(await journal.lock(gateId, holder(), leaseMs)).toMatchObject({
    acquired: true,
    takenFrom: { pid: running.child.pid },
  });
}, 30_000);

const hasProc = processIdentity(process.pid) !== '';

test.skipIf(!hasProc)(
  'a pid that another process has by now holds no lock',
  async () => {
    const path = newPath();
    const running = start('lock', path, 0);
    await until(() => running.output().endsWith('\n'));
    const database = new DatabaseSync(path);
    database.exec("update gate_lock set process_identity = process_identity || '1'");
    database.close();
    const journal = await openJournal({ path });
    onTestFinished(() => journal.close());
    expect(await journal.lock(gateId, holder(), leaseMs)).toMatchObject({ acquired: true });
  },
  30_000,
);

test.skipIf(!hasProc)('a zombie, and a process that never was, are gone; a bare pid is unknown', async () => {
  // The shell starts a child, and becomes a program that never asks how the child ended.
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 30'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    parent.kill('SIGKILL');
  });
  const [chunk] = await once(parent.stdout, 'data');
  const zombie = Number(String(chunk));
  await until(() => /\) Z /.test(readFileSync(`/proc/${zombie}/stat`, 'latin1')));
  expect(livenessOf(zombie, processIdentity(zombie))).toBe('gone');
  expect(livenessOf(2 ** 30, '')).toBe('gone');
  expect(livenessOf(process.pid, processIdentity(process.pid))).toBe('alive');
  expect(livenessOf(process.pid, '')).toBe('unknown');
  expect(livenessOf(0, '')).toBe('unknown');
  expect(livenessOf(-1, '')).toBe('unknown');
});

test(`SIGKILL in the middle of writing, ${kills} times, loses nothing that was committed`, async () => {
  const path = newPath();
  await (await openJournal({ path })).close();
  let finished = 0;
  for (let round = 0; round < kills; round++) {
    const writer = start('write', path);
    await until(() => writer.output().includes('finished'));
    await new Promise(resolve => setTimeout(resolve, (round * 7) % 40));
    await kill(writer);
    expect(integrity(path)).toBe('ok');
    const database = new DatabaseSync(path);
    const rows = database.prepare('select id, outcome from write_record').all();
    const unfinished = rows.filter(({ outcome }) => outcome === null).length;
    const owned = database.prepare('select count(*) as n from owned').get()?.n;
    database.close();
    const outcomeOf = new Map(rows.map(({ id, outcome }) => [id, outcome]));
    for (const [, what, id] of writer.output().matchAll(/^(begun|finished) (\d+)$/gm)) {
      expect(outcomeOf.has(Number(id)), `write ${id} was ${what}, and is lost`).toBe(true);
      if (what === 'finished') {
        expect(outcomeOf.get(Number(id))).toBe('applied');
        finished++;
      }
    }
    // Each process leaves at most the one that it was at.
    expect(unfinished).toBeLessThanOrEqual(round + 1);
    // The outcome and what is ours are set together: the writer's target is one address at a time its own.
    expect(owned).toBeGreaterThan(0);
    expect(owned).toBeLessThanOrEqual(50);
  }
  expect(finished).toBeGreaterThanOrEqual(kills);
}, 300_000);

function integrity(path: string): unknown {
  const database = new DatabaseSync(path);
  try {
    return Object.values(database.prepare('pragma integrity_check').get() ?? {})[0];
  } finally {
    database.close();
  }
}
