import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import type { Cidr } from '../../src/address/cidr.ts';
import type { LedgerRow } from '../../src/journal/journal.ts';
import { migrations } from '../../src/journal/schema.ts';
import { openJournal, sqliteJournal } from '../../src/journal/sqlite/open.ts';
import { cidr, nowMs, observation, row } from '../plan/fixtures.ts';
import { FakeClock, gateId, holder, intent, leaseMs, recordPlan, temporaryDirectory } from './fixtures.ts';

const newPath = () => join(temporaryDirectory(), 'journal.db');

async function makeJournal(path: string): Promise<void> {
  const journal = await openJournal({ path });
  await journal.saveLedger(
    gateId,
    Array.from({ length: 400 }, (_, n) => row(cidr(`198.18.${n >> 8}.${n & 255}`))),
  );
  await journal.close();
}

function tamper(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

test('the directory and the files are the user’s alone', async () => {
  const directory = join(temporaryDirectory(), 'deep', 'state');
  const path = join(directory, 'journal.db');
  const journal = await openJournal({ path });
  await journal.adopt(gateId, [cidr('192.0.2.1')], nowMs);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  for (const each of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(each).mode & 0o777).toBe(0o600);
  await journal.close();
});

test('what must not be lost is on the disk when it resolves; a reading and a lock may come later', async () => {
  const path = newPath();
  let database: DatabaseSync | undefined;
  const journal = await openJournal({
    path,
    onOpen: opened => {
      database = opened;
    },
  });
  expect(database?.prepare('pragma journal_mode').get()).toEqual({ journal_mode: 'wal' });
  // 1: NORMAL, which in WAL mode syncs no commit. 2: FULL, which syncs each, and all before it.
  const synced = async (work: Promise<unknown>) => {
    await work;
    return database?.prepare('pragma synchronous').get()?.synchronous;
  };
  const absent = {
    ...row(cidr('198.51.100.1')),
    absentSinceMs: nowMs,
    absentReads: 2,
    lastAbsentReadAtMs: nowMs,
  };
  const record = (ledger: readonly LedgerRow[] | undefined, lost: readonly Cidr[] = []) =>
    journal.recordReading(gateId, {
      ...{ ledger, lost, coverage: { atMs: nowMs, coverage: 'let-in', missing: 0 } },
      plan: { checksum: 'sum', atMs: nowMs, json: () => '{}' },
    });
  const approval = { gateId, gateName: 'vault', cidrs: [], planChecksum: 'sum', by: 'alice', reason: 'x' };
  expect({
    reading: await synced(recordPlan(journal, gateId, 'sum', nowMs)),
    ledgerFirst: await synced(record([absent])),
    ledgerSame: await synced(journal.ledger(gateId).then(rows => record(rows))),
    ledgerReset: await synced(journal.ledger(gateId).then(() => record([row(absent.cidr)]))),
    disowned: await synced(record(undefined, [absent.cidr])),
    lock: await synced(journal.lock(gateId, holder(), 60_000)),
    begin: await synced(journal.beginWrite(intent())),
    observation: await synced(journal.recordObservation(observation('control-plane', []))),
    finish: await synced(journal.finishWrite(1, { outcome: 'applied', after: [], atMs: nowMs })),
    adopt: await synced(journal.adopt(gateId, [], nowMs)),
    ledger: await synced(journal.saveLedger(gateId, [])),
    coverage: await synced(journal.recordCoverage(gateId, { atMs: nowMs, coverage: 'let-in', missing: 0 })),
    approve: await synced(journal.approve({ ...approval, atMs: nowMs, expiresAtMs: nowMs })),
    memo: await synced(journal.remember('alerts', {})),
  }).toEqual({
    ...{ ledgerFirst: 2, ledgerSame: 1, ledgerReset: 2, disowned: 2 },
    ...{ reading: 1, lock: 1, begin: 2, observation: 1, finish: 2, adopt: 2, ledger: 2, coverage: 1 },
    ...{ approve: 2, memo: 1 },
  });
  await journal.close();
});

test('a journal of an older schema is brought up to date, and keeps what it has', async () => {
  const path = newPath();
  const database = new DatabaseSync(path);
  for (const sql of migrations[0]!) database.exec(sql);
  database.exec(
    `insert into owned values ('${gateId}', '192.0.2.1/32', 'written', 5);
    insert into content values ('x', '{"addresses":[],"sections":{}}');
    insert into observation values ('new', 'static', 9, 1, 0, '{}', 'x'), ('old', 'static', 7, 1, 0, '{}', 'x');
    pragma user_version = 1`,
  );
  database.close();
  const journal = await openJournal({ path });
  expect(await journal.owned(gateId)).toEqual([{ cidr: '192.0.2.1/32', how: 'written', sinceMs: 5 }]);
  expect(await journal.lastComplete('static')).toMatchObject({ id: 'new' });
  await journal.close();
  const after = new DatabaseSync(path);
  expect(after.prepare('pragma user_version').get()).toEqual({ user_version: migrations.length });
  expect(
    after.prepare("select 1 from sqlite_schema where name = 'observation_by_content'").get(),
  ).toBeDefined();
  after.close();
});

test('a lock that was taken by a clock a month ahead, on another machine, is free once that is right', async () => {
  const path = newPath();
  const clock = new FakeClock();
  const journal = await openJournal({ path, clock });
  onTestFinished(() => journal.close());
  const monthMs = 30 * 86_400_000;
  clock.nowMs += monthMs;
  await journal.lock(gateId, holder({ host: 'elsewhere' }), journal.lockLeaseMs);
  clock.nowMs -= monthMs;
  expect(await journal.lock(gateId, holder(), journal.lockLeaseMs)).toMatchObject({
    acquired: true,
    takenFrom: { host: 'elsewhere' },
  });
});

const refused: readonly (readonly [
  name: string,
  make: (path: string) => Promise<void> | void,
  error: object,
])[] = [
  [
    'is no database',
    path => writeFileSync(path, 'gate,cidr\nvault,192.0.2.1/32\n'.repeat(500)),
    { message: /not a database/, remedy: /--state/ },
  ],
  ['is random bytes', path => writeFileSync(path, randomBytes(20_000)), { message: /not a database/ }],
  [
    'has pages overwritten',
    async path => {
      await makeJournal(path);
      const bytes = readFileSync(path);
      randomBytes(bytes.length - 8_192).copy(bytes, 8_192);
      writeFileSync(path, bytes);
    },
    { message: /damaged|malformed/, remedy: /backup/ },
  ],
  [
    'is cut in half',
    async path => {
      await makeJournal(path);
      const bytes = readFileSync(path);
      writeFileSync(path, bytes.subarray(0, Math.floor(bytes.length / 8_192) * 4_096));
    },
    { message: /damaged|malformed|not a database/, remedy: /backup/ },
  ],
  [
    'a newer Postern wrote',
    async path => {
      await makeJournal(path);
      tamper(path, `pragma user_version = ${migrations.length + 1}; create table later (x)`);
    },
    { message: new RegExp(`newer Postern \\(schema ${migrations.length + 1}`), remedy: /Upgrade/ },
  ],
  [
    'another program made',
    path => tamper(path, 'create table customers (name text); insert into customers values (1)'),
    { message: /another program/, remedy: /another file/ },
  ],
  [
    'another program made, with a version of its own',
    path => tamper(path, 'create table customers (name text); pragma user_version = 2'),
    { message: /another program/ },
  ],
];

for (const [name, make, { message, remedy = /./ }] of refused as readonly (readonly [
  string,
  (path: string) => Promise<void> | void,
  { message: RegExp; remedy?: RegExp },
])[]) {
  test(`a file that ${name} is refused and stays as it is, byte for byte`, async () => {
    const path = newPath();
    await make(path);
    const before = readFileSync(path);
    const error = await openJournal({ path }).then(
      () => undefined,
      reason => reason,
    );
    expect(error).toMatchObject({ name: 'JournalError' });
    expect(error.message).toContain(path);
    expect(error.message).toMatch(message);
    expect(error.remedy).toMatch(remedy);
    expect(readFileSync(path).equals(before)).toBe(true);
  });
}

test.each([
  ['under a file', (directory: string) => join(directory, 'file', 'journal.db')],
  ['where no one can write', () => '/proc/postern/journal.db'],
  ['a directory', (directory: string) => directory],
])('a path that is %s is refused with what to do', async (_, pathIn) => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'file'), '');
  const path = pathIn(directory);
  await expect(openJournal({ path })).rejects.toMatchObject({
    name: 'JournalError',
    message: expect.stringContaining(path),
    remedy: expect.stringContaining('may write'),
  });
});

test('an empty file is a fresh journal', async () => {
  const path = newPath();
  writeFileSync(path, '');
  const journal = await openJournal({ path });
  expect(await journal.ledger(gateId)).toEqual([]);
  await journal.close();
});

test('a journal that another process is just making is waited for', async () => {
  const path = join(temporaryDirectory(), 'journal.db');
  const other = new DatabaseSync(path);
  other.exec('begin immediate');
  const opening = openJournal({ path });
  other.exec('create table if not exists unrelated (id integer)');
  other.exec('rollback');
  other.close();
  await (await opening).close();
});

test('a full disk is a clear error, loses nothing, and the journal works again once there is room', async () => {
  const path = await freshPath();
  const { database, journal } = openRaw(path);
  await journal.adopt(gateId, [cidr('192.0.2.1')], nowMs);
  const pages = Number(database.prepare('pragma page_count').get()?.page_count);
  database.exec(`pragma max_page_count = ${pages}`);
  const large = intent({
    target: Array.from({ length: 5_000 }, (_, n) => cidr(`198.18.${n >> 8}.${n & 255}`)),
  });
  const full = {
    name: 'JournalError',
    message: expect.stringMatching(/journal\.db could not be used: database or disk is full/),
    remedy: expect.stringContaining('Make room'),
  };
  await expect(journal.beginWrite(large)).rejects.toMatchObject(full);
  await expect(
    journal.saveLedger(
      gateId,
      large.target.map(each => row(each)),
    ),
  ).rejects.toMatchObject(full);
  expect(await journal.owned(gateId)).toHaveLength(1);
  expect(await journal.writes({ limit: 9 })).toEqual([]);
  database.exec('pragma max_page_count = 1000000');
  expect(await journal.beginWrite(large)).toBeGreaterThan(0);
  await journal.close();
});

test('a full disk while the journal is made is a clear error, and no half-made journal stays', async () => {
  const path = newPath();
  const exec = DatabaseSync.prototype.exec;
  DatabaseSync.prototype.exec = function (sql) {
    if (sql === 'begin immediate') exec.call(this, 'pragma max_page_count = 3');
    exec.call(this, sql);
  };
  try {
    await expect(openJournal({ path })).rejects.toMatchObject({
      message: expect.stringContaining('full'),
      remedy: expect.stringContaining('Make room'),
    });
  } finally {
    DatabaseSync.prototype.exec = exec;
  }
  const journal = await openJournal({ path });
  expect(await journal.writes({ limit: 9 })).toEqual([]);
  await journal.close();
});

test('a list that someone broke is a clear error, not an empty list', async () => {
  const path = newPath();
  await makeJournal(path);
  tamper(path, "update ledger set provenance = '[{'");
  const journal = await openJournal({ path });
  await expect(journal.ledger(gateId)).rejects.toMatchObject({
    name: 'JournalError',
    remedy: expect.stringContaining('backup'),
  });
  await journal.close();
});

test('a reading a minute for a day stores its addresses once', async () => {
  const path = newPath();
  const journal = await openJournal({ path });
  const list = Array.from({ length: 300 }, (_, n) => cidr(`198.18.${n >> 8}.${n & 255}`));
  for (let minute = 0; minute < 1_440; minute++) {
    const atMs = nowMs + minute * 60_000;
    // Atlas may turn the order round at any time.
    await journal.recordObservation(
      observation('control-plane', minute % 2 ? list : list.toReversed(), { atMs }),
    );
  }
  await journal.close();
  expect(statSync(path).size).toBeLessThan(1_000_000);
  const database = new DatabaseSync(path);
  expect(database.prepare('select count(*) as n from content').get()).toEqual({ n: 1 });
  database.close();
}, 60_000);

test('nothing of a reading that is forgotten stays behind', async () => {
  const path = newPath();
  const journal = await openJournal({ path });
  await journal.recordObservation(observation('control-plane', [cidr('192.0.2.1')], { atMs: nowMs }));
  await journal.recordObservation(
    observation('control-plane', [cidr('192.0.2.2')], { atMs: nowMs + 41 * 86_400_000 }),
  );
  await journal.recordObservation(
    observation('control-plane', [cidr('192.0.2.3')], { atMs: nowMs + 42 * 86_400_000 }),
  );
  await journal.close();
  const database = new DatabaseSync(path);
  expect(database.prepare('select count(*) as n from content').get()).toEqual({ n: 2 });
  database.close();
});

async function freshPath(): Promise<string> {
  const path = newPath();
  mkdirSync(join(path, '..'), { recursive: true });
  await (await openJournal({ path })).close();
  return path;
}

function openRaw(path: string) {
  const database = new DatabaseSync(path);
  return { database, journal: sqliteJournal(database, path, new FakeClock()) };
}

test('a live process here keeps its lock when the lease is over', async () => {
  const clock = new FakeClock();
  const journal = await openJournal({ path: newPath(), clock });
  await journal.lock(gateId, holder(), leaseMs);
  clock.nowMs += 2 * leaseMs;
  expect(await journal.lock(gateId, holder(), leaseMs)).toMatchObject({ acquired: false });
  await journal.close();
});
