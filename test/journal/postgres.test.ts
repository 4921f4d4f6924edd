/** What is PostgreSQL's own: what can be wrong with a database, lost connections, a crash, leases. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { daemonStore } from '../../src/journal/daemon-store.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { explainPostgres } from '../../src/journal/postgres/explain.ts';
import { postgresMigrations } from '../../src/journal/postgres/migrate.ts';
import { openPostgresJournal } from '../../src/journal/postgres/open.ts';
import { Secret } from '../../src/secret.ts';
import { cidr, nowMs, row } from '../plan/fixtures.ts';
import { password, usePostgres } from '../postgres/server.ts';
import { FakeClock, gateId, holder, intent, temporaryDirectory } from './fixtures.ts';

const server = usePostgres();

async function open(url: string, leaseMs?: number): Promise<Journal> {
  const journal = await openPostgresJournal({
    url: new Secret(url, 'env:POSTERN_DATABASE_URL'),
    ...(leaseMs !== undefined && { leaseMs }),
  });
  onTestFinished(() => journal.close());
  return journal;
}

const passMs = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

/** A name, how to make it so (gives the URL), and what the error and its remedy say. */
const wrong: readonly (readonly [string, (url: string) => Promise<string> | string, RegExp, RegExp])[] = [
  [
    'a wrong password',
    url => url.replace(password, 'not-the-password'),
    /password authentication failed/,
    /password/,
  ],
  [
    'no such database',
    url => url.replace(/[^/]+$/, 'nowhere'),
    /"nowhere" does not exist/,
    /CREATE DATABASE/,
  ],
  ['nobody listens', url => url.replace(/:\d+\//, ':1/'), /ECONNREFUSED/, /runs and can be reached/],
  ['no such host', url => url.replace('127.0.0.1', 'no-such-host.invalid'), /no-such-host/, /host name/],
  ['no TLS there', url => `${url}?sslmode=verify-full`, /SSL/, /sslmode=disable/],
  [
    'a read-only server',
    async url => {
      await server.query(url, `alter database ${nameOf(url)} set default_transaction_read_only = on`);
      return url;
    },
    /read-only/,
    /primary/,
  ],
  [
    'another encoding',
    async url => {
      const name = `${nameOf(url)}_latin`;
      await server.query(url, `create database ${name} template template0 encoding 'LATIN1'`);
      return url.replace(/[^/]+$/, name);
    },
    /LATIN1/,
    /UTF8/,
  ],
  [
    "another program's schema",
    async url => {
      await server.query(url, 'create schema postern; create table postern.invoices (id int)');
      return url;
    },
    /no journal of Postern's/,
    /another database/,
  ],
  [
    'a newer Postern',
    async url => {
      await (await open(url)).close();
      await server.query(url, 'update postern.journal_schema set version = 99');
      return url;
    },
    /schema 99/,
    /Upgrade/,
  ],
  [
    'a user without rights',
    async url => {
      const name = nameOf(url);
      await server.query(url, `create role "guest_${name}" login password 'guest-password'`);
      return url.replace(/\/\/[^@]+@/, `//guest_${name}:guest-password@`);
    },
    /permission denied/,
    /docs\/fleet\.md/,
  ],
  [
    'too many connections',
    async url => {
      const name = nameOf(url);
      await server.query(url, `create role "many_${name}" login password 'many-password' connection limit 0`);
      return url.replace(/\/\/[^@]+@/, `//many_${name}:many-password@`);
    },
    /too many connections/,
    /max_connections/,
  ],
  ['no URL', () => 'host=db password=s3cret-in-a-dsn', /not given by a URL/, /postgresql:\/\/USER/],
  [
    'a slash in the password, with no database named',
    () => 'postgres://u:12/s3cret@db.example',
    /not given by a URL/,
    /%-escapes/,
  ],
  [
    'a hash in the password',
    () => 'postgres://u:12/s3cret#@db.example/postern',
    /not given by a URL/,
    /%-escapes/,
  ],
  ['no database named', url => url.replace(/[^/]+$/, ''), /not given by a URL/, /DATABASE/],
];

test.each(
  wrong,
)('%s: says which journal, what and what to do, and shows no secret', async (_, make, says, remedy) => {
  const url = await make(await server.createDatabase());
  const error = await openPostgresJournal({ url: new Secret(url, 'env:X') }).then(
    () => undefined,
    error => error,
  );
  expect(error).toMatchObject({
    name: 'JournalError',
    message: expect.stringMatching(says),
    remedy: expect.stringMatching(remedy),
  });
  for (const secret of [password, 'not-the-password', 's3cret', 'guest-password'])
    expect(`${error.message} ${error.remedy}`).not.toContain(secret);
});

test('a full disk and a standby have their remedies', () => {
  const explained = (code: string) =>
    explainPostgres('x', 'y', Object.assign(new Error('no'), { code })).remedy;
  expect(explained('53100')).toContain('Make room');
  expect(explained('25006')).toContain('primary');
  expect(explained('28000')).toContain('pg_hba.conf');
  expect(explained('XX000')).toContain('report it');
});

test('the location is shown without the user, the password and the options', async () => {
  const url = await server.createDatabase();
  const journal = await open(`${url}?application_name=x`);
  expect(journal.location).toBe(`postgresql://127.0.0.1:${server.port}/${nameOf(url)}`);
});

test('a user who may only use the two schemas made for it can work', async () => {
  const url = await server.createDatabase();
  await server.query(
    url,
    `create role least login password 'least-password'; create schema postern authorization least;
     revoke create on database ${nameOf(url)} from least; revoke all on schema public from public`,
  );
  const journal = await open(url.replace(/\/\/[^@]+@/, '//least:least-password@'));
  await journal.adopt(gateId, [cidr('192.0.2.1')], nowMs);
  expect(await journal.owned(gateId)).toHaveLength(1);
});

test('connections that are cut are replaced, again and again, and nothing is lost or half done', async () => {
  const url = await server.createDatabase();
  const journal = await open(url);
  const rowsOf = (count: number) =>
    Array.from({ length: count }, (_, n) => row(cidr(`198.18.${n >> 8}.${n & 255}`)));
  let isDone = false;
  const cutting = (async () => {
    while (!isDone) {
      await server.query(
        url,
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()
         and application_name = 'postern'`,
      );
      await passMs(60);
    }
  })();
  let saved = 0;
  for (let round = 1; round <= 20; round++) {
    const count = round * 20;
    // A cut at the commit itself is told: nobody knows what became of it.
    const said = await journal.saveLedger(gateId, rowsOf(count)).then(
      () => 'saved',
      error => error.message,
    );
    const found = (await journal.ledger(gateId).catch(() => undefined))?.length;
    if (said === 'saved') saved++;
    else expect(said).toMatch(/not known whether|terminat|connection|Connection/);
    if (found !== undefined)
      expect(said === 'saved' ? [count] : [count, (round - 1) * 20, found]).toContain(found);
    if (found !== undefined) expect(found % 20).toBe(0);
  }
  isDone = true;
  await cutting;
  expect(saved).toBeGreaterThan(10);
}, 60_000);

test('a change whose commit got no answer is told so, and is not made a second time', async () => {
  const url = await server.createDatabase();
  await (await open(url)).close();
  const far = await commitsUnanswered(server.port);
  const journal = await open(url.replace(`:${server.port}/`, `:${far.port}/`));
  far.cuts = true;
  await expect(journal.beginWrite(intent())).rejects.toThrow('not known whether');
  far.cuts = false;
  expect(await (await open(url)).writes({ limit: 9 })).toHaveLength(1);
});

/** A way to the server that ends, while it `cuts`, with each commit that is sent. */
async function commitsUnanswered(serverPort: number) {
  const far = { port: 0, cuts: false };
  const proxy = createServer(near => {
    const there = connect(serverPort, '127.0.0.1');
    there.on('data', data => near.write(data)).on('error', () => near.destroy());
    near.on('error', () => there.destroy()).on('close', () => there.end());
    near.on('data', data => {
      if (!far.cuts || !/commit;?\0/i.test(data.toString('latin1'))) {
        there.write(data);
        return;
      }
      there.removeAllListeners('data').on('data', () => near.destroy());
      there.write(data);
    });
  });
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxy.close());
  far.port = (proxy.address() as AddressInfo).port;
  return far;
}

test('the server crashes and comes back: what was committed is there, and the journal goes on by itself', async () => {
  const url = await server.createDatabase();
  const journal = await open(url);
  const id = await journal.beginWrite(intent());
  await server.kill();
  const restarting = passMs(300).then(() => server.start());
  await journal.finishWrite(id, { outcome: 'applied', after: intent().target, atMs: nowMs });
  await restarting;
  expect(await journal.writes({ limit: 9 })).toMatchObject([{ id, outcome: 'applied' }]);
}, 60_000);

test('a server that stays away is told within seconds, and the journal works once it is back', async () => {
  const url = await server.createDatabase();
  const journal = await open(url);
  await server.kill();
  await expect(journal.beginWrite(intent())).rejects.toMatchObject({
    name: 'JournalError',
    remedy: expect.stringContaining('can be reached'),
  });
  await server.start();
  await journal.beginWrite(intent());
}, 60_000);

test('four processes that make one journal in the same moment all have it', async () => {
  const url = await server.createDatabase();
  const atMs = Date.now() + 2_500;
  const outputs = await Promise.all(
    [1, 2, 3, 4].map(async () => {
      const file = new URL('children/postgres-open.ts', import.meta.url).pathname;
      const child = spawn(process.execPath, [file, url, String(atMs)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let output = '';
      child.stdout.on('data', chunk => (output += chunk));
      await once(child, 'close');
      return output;
    }),
  );
  expect(outputs).toEqual(Array(4).fill('opened'));
  expect(await server.query(url, 'select version from postern.journal_schema')).toEqual([
    { version: postgresMigrations.length },
  ]);
}, 60_000);

test('a journal of an older schema is brought up to date, and keeps what it has', async () => {
  const url = await server.createDatabase();
  await server.query(url, 'create schema postern');
  const inSchema = `${url}?options=-c%20search_path%3Dpostern`;
  for (const sql of postgresMigrations[0]!) await server.query(inSchema, sql);
  await server.query(
    inSchema,
    `create table journal_schema (version integer not null); insert into journal_schema values (1);
     insert into owned values ('${gateId}', '192.0.2.1/32', 'written', 5)`,
  );
  const journal = await open(url);
  expect(await journal.owned(gateId)).toEqual([{ cidr: '192.0.2.1/32', how: 'written', sinceMs: 5 }]);
});

test('a lock is renewed for as long as it is held, and ends soon after its holder', async () => {
  const leaseMs = 900;
  const url = await server.createDatabase();
  const [working, other] = [await open(url, leaseMs), await open(url, leaseMs)];
  const lock = await working.lock(gateId, holder(), leaseMs);
  await passMs(2 * leaseMs);
  expect(lock).toMatchObject({ acquired: true });
  expect(lock.acquired && lock.isCertain()).toBe(true);
  expect(await other.lock(gateId, holder(), leaseMs)).toMatchObject({ acquired: false });
  // Closing does not release, and renews no more: as a kill does it.
  await working.close();
  expect(await other.lock(gateId, holder(), leaseMs)).toMatchObject({ acquired: false });
  await passMs(leaseMs + 100);
  expect(lock.acquired && lock.isCertain()).toBe(false);
  expect(await other.lock(gateId, holder(), leaseMs)).toMatchObject({ acquired: true });
});

test('a process that is stopped beyond its lease and goes on can journal no write', async () => {
  const leaseMs = 1_000;
  const url = await server.createDatabase();
  const journal = await open(url, leaseMs);
  const file = new URL('children/postgres-write.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [file, url, String(leaseMs)], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await lines.next()).value!);
  expect(await next()).toEqual({ locked: true });
  child.stdin.write('write\n');
  expect(await next()).toEqual({ wasCertain: true, begun: true });

  child.kill('SIGSTOP');
  await passMs(leaseMs + 200);
  const lock = await journal.lock(gateId, holder(), leaseMs);
  expect(lock).toMatchObject({ acquired: true, takenFrom: { pid: child.pid } });
  child.stdin.write('write\n');
  child.kill('SIGCONT');
  expect(await next()).toEqual({ wasCertain: false, begun: false, error: 'LockLostError' });
  expect(await journal.writes({ limit: 9 })).toHaveLength(1);

  // And when the newer one is done, the old lock is not to be had back.
  if (lock.acquired) await lock.release();
  child.stdin.write('write\n');
  expect(await next()).toMatchObject({ begun: false });
}, 60_000);

test('ids count on by themselves, and are numbers', async () => {
  const journal = await open(await server.createDatabase());
  expect([await journal.beginWrite(intent()), await journal.beginWrite(intent())]).toEqual([1, 2]);
});

test('a text with what PostgreSQL cannot hold is taken without it', async () => {
  const journal = await open(await server.createDatabase());
  const id = await journal.beginWrite(intent());
  await journal.finishWrite(id, { outcome: 'not-applied', after: null, atMs: nowMs, error: 'a\0b\ud800' });
  expect(await journal.writes({ limit: 1 })).toMatchObject([{ error: 'a\ufffdb\ufffd' }]);
});

test('a daemon spools beside its file while the database is away, and journals it when it is back', async () => {
  const database = new Secret(await server.createDatabase(), 'env:TEST');
  const path = join(temporaryDirectory(), 'journal.db');
  const store = daemonStore({ path, database: () => database, clock: new FakeClock() });
  expect(store.location).not.toContain(password);
  store.spool({ ...intent(), outcome: 'applied', after: intent().target, finishedAtMs: nowMs, error: null });
  const journal = await store.open();
  onTestFinished(() => journal.close());
  expect(await store.drain(journal, () => {})).toBe(1);
  expect(await journal.writes({ limit: 9 })).toMatchObject([{ outcome: 'applied' }]);
  expect(await store.drain(journal, () => {})).toBe(0);
});

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}
