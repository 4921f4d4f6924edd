import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { openJournal } from '../../src/journal/sqlite/open.ts';
import { intent, temporaryDirectory } from '../journal/fixtures.ts';
import { cidrs, nowMs } from '../plan/fixtures.ts';
import { password, usePostgres } from '../postgres/server.ts';
import { ensureBuilt, makePlace } from './postern.ts';

const server = usePostgres();
beforeAll(ensureBuilt);

const postern = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => makePlace().run(args, env);

async function journalWithOneWrite(): Promise<string> {
  const path = join(temporaryDirectory(), 'journal.db');
  const journal = await openJournal({ path });
  const id = await journal.beginWrite(intent());
  await journal.finishWrite(id, { outcome: 'applied', after: intent().target, atMs: nowMs });
  await journal.adopt('other', cidrs('192.0.2.9'), nowMs);
  await journal.close();
  return path;
}

test('a journal moves to PostgreSQL, is used there, and moves back', async () => {
  const from = await journalWithOneWrite();
  const env = { POSTERN_DATABASE_URL: await server.createDatabase() };
  const there = await postern(
    ['journal', 'migrate', '--from', from, '--to', 'env:POSTERN_DATABASE_URL'],
    env,
  );
  expect(there).toMatchObject({ exitCode: 0 });
  expect(there.stdout).toContain(`postgresql://127.0.0.1:${server.port}/`);

  const history = await postern(['history', '--json'], env);
  expect(JSON.parse(history.stdout).writes).toHaveLength(1);
  const info = JSON.parse((await postern(['journal', 'info', '--json'], env)).stdout);
  expect(info).toMatchObject({ kind: 'postgresql', rows: { write_record: 1, owned: 2 } });

  const to = join(temporaryDirectory(), 'back.db');
  const back = await postern(['journal', 'migrate', '--from', 'env:POSTERN_DATABASE_URL', '--to', to], env);
  expect(back).toMatchObject({ exitCode: 0 });
  const text = await postern(['journal', 'info', '--state', to]);
  expect(text.stdout).toMatch(/SQLite/);
  expect(text.stdout).toMatch(/write_record +1/);
  for (const { stdout, stderr } of [there, history, back]) expect(stdout + stderr).not.toContain(password);
}, 60_000);

test('a URL with a password is taken, with a warning, and never shown', async () => {
  const from = await journalWithOneWrite();
  const url = await server.createDatabase();
  const { exitCode, stdout, stderr } = await postern(['journal', 'migrate', '--from', from, '--to', url]);
  expect(exitCode).toBe(0);
  expect(stderr).toContain('can be seen by every user');
  expect(stdout + stderr).not.toContain(password);
  const again = await postern(['journal', 'migrate', '--from', from, '--to', url]);
  expect(again.exitCode).toBe(1);
  expect(again.stderr).toContain('not empty');
}, 60_000);

test.each([
  [['journal', 'migrate', '--from', 'x.db'], 'from where and to where'],
  [['journal', 'migrate', '--from', '/nowhere/x.db', '--to', 'y.db'], 'no journal at /nowhere/x.db'],
  [['journal', 'vacuum'], 'no `postern journal vacuum`'],
])('%s is refused', async (args, message) => {
  const { exitCode, stderr } = await postern(args);
  expect(exitCode).toBe(64);
  expect(stderr).toContain(message);
});

test('looking at a journal that is not there makes none', async () => {
  const state = join(temporaryDirectory(), 'journal.db');
  const { exitCode, stderr } = await postern(['journal', 'info', '--state', state]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('no journal at');
  expect(existsSync(state)).toBe(false);
});
