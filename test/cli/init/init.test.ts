/** `postern init` as a process, without a terminal and with one, against the lab. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { openSite, type Site } from '../../e2e/harness.ts';

const entry = fileURLToPath(new URL('../../../dist/postern.js', import.meta.url));
const credentials = ['--client-id', 'mdb_sa_id_lab', '--client-secret', 'env:LAB_ATLAS_SECRET'];

async function open() {
  const site = await openSite();
  const { azure } = site.lab.credentials;
  writeFileSync(
    join(site.folder, 'defaults.yaml'),
    JSON.stringify({
      'azure-key-vault': {
        endpoint: site.lab.urls.azureResourceManager,
        authorityHost: site.lab.urls.azureAuthority,
        credential: {
          tenantId: azure.tenantId,
          clientId: azure.clientId,
          clientSecret: 'env:LAB_AZURE_SECRET',
        },
      },
    }),
  );
  const init = (...args: readonly string[]) =>
    site.runWith(
      { MONGODB_ATLAS_BASE_URL: site.lab.urls.atlas },
      'init',
      '--defaults',
      'defaults.yaml',
      '--config',
      'new.yaml',
      ...args,
    );
  return { site, init, written: () => readFileSync(join(site.folder, 'new.yaml'), 'utf8') };
}

test('with flags alone it finds the vault, looks at it, and writes a config that works', async () => {
  const { site, init, written } = await open();
  const { code, stderr } = await init('--yes', ...credentials);
  expect(code).toBe(0);
  expect(stderr).toContain('NOT let in');
  const [gate] = parse(written()).gates;
  expect(gate).toMatchObject({
    name: 'payments',
    kind: 'azure-key-vault',
    vault: site.vaultId,
    projects: [site.project.id],
    policy: 'observe',
  });
  expect((await site.run('check', '--config', 'new.yaml')).code).toBe(2);
  const writes = site.lab.requests.filter(({ method, path }) => method !== 'GET' && !/token/.test(path));
  expect(writes).toEqual([]);
  expect(existsSync(site.journalPath)).toBe(false);
});

test('a config that is there stays, unless --force is given', async () => {
  const { site, init, written } = await open();
  writeFileSync(join(site.folder, 'new.yaml'), 'gates: []\n');
  expect((await init('--yes', ...credentials)).code).toBe(4);
  expect(written()).toBe('gates: []\n');
  expect((await init('--yes', '--force', '--adopt', ...credentials)).code).toBe(0);
  expect(parse(written()).gates[0].adopt).toBe(true);
});

test.each<readonly [string, readonly string[], string]>([
  ['no terminal and no --yes', credentials, '--yes'],
  ['no credentials', ['--yes'], '--client-id'],
  ['half of the credentials', ['--yes', '--client-id', 'mdb_sa_id_lab'], '--client-secret'],
])('%s: told which flags are needed, and nothing is written', async (_, args, flag) => {
  const { site, init } = await open();
  const { code, stderr } = await init(...args);
  expect(code).toBe(64);
  expect(stderr).toContain(flag);
  expect(existsSync(join(site.folder, 'new.yaml'))).toBe(false);
});

test('no project with a customer key: nothing is written', async () => {
  const { site, init } = await open();
  site.project.key = undefined;
  expect((await init('--yes', ...credentials)).code).toBe(4);
  expect(existsSync(join(site.folder, 'new.yaml'))).toBe(false);
});

const hasScript = spawnSync('script', ['--version']).status === 0;

test.skipIf(!hasScript)('on a terminal: arrow keys and lines of text', { timeout: 60_000 }, async () => {
  const { site, written } = await open();
  // Someone has put in an address of Atlas, so that adopting is asked about; another vault, so that there is a choice.
  site.lab.azure.edit(site.vaultId, 'bob', ({ properties: { networkAcls } }) => {
    networkAcls!.ipRules.push({ value: '3.92.113.229/32' });
  });
  const ask = await onTerminal(site);
  await ask.until('client id');
  ask.type('nonsense\r');
  await ask.until('Expected mdb_sa_id_');
  ask.type('mdb_sa_id_lab\r');
  await ask.until('Where its secret is');
  ask.type('env:LAB_ATLAS_SECRET\r');
  await ask.until('put in by someone else');
  ask.type('\u001b[B');
  await ask.until('› look after them');
  ask.type('\r');
  expect(await ask.ended).toBe(0);
  expect(parse(written()).gates[0]).toMatchObject({ name: 'payments', adopt: true });
});

test.skipIf(!hasScript)(
  'on a terminal: Ctrl-C stops, and nothing is written',
  { timeout: 60_000 },
  async () => {
    const { site } = await open();
    const ask = await onTerminal(site);
    await ask.until('client id');
    ask.type('\u0003');
    expect(await ask.ended).toBe(4);
    expect(existsSync(join(site.folder, 'new.yaml'))).toBe(false);
  },
);

/** A terminal of its own, by util-linux's `script`. */
async function onTerminal(site: Site) {
  const command = `stty cols 120 rows 40; '${process.execPath}' '${entry}' init --defaults defaults.yaml --config new.yaml --no-color`;
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    cwd: site.folder,
    env: { ...site.env, MONGODB_ATLAS_BASE_URL: site.lab.urls.atlas, TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let shown = '';
  let seen = 0;
  child.stdout.on('data', chunk => {
    shown += chunk;
  });
  const ended = new Promise<number | null>(resolve => child.once('close', resolve));
  return {
    type: (text: string) => child.stdin.write(text),
    ended,
    until: async (text: string) => {
      const deadline = Date.now() + 30_000;
      while (!shown.slice(seen).includes(text)) {
        if (Date.now() > deadline) throw new Error(`${text} never came:\n${shown}`);
        await new Promise(resolve => setTimeout(resolve, 20));
      }
      seen = shown.lastIndexOf(text);
    },
  };
}
