import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { atlasCredentialsOf, defaultWatchConfig, loadConfig } from '../../src/config/index.ts';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { resolveSecret } from '../../src/config/secret-reference.ts';
import { defaultRemovalPolicy } from '../../src/plan/removal-policy.ts';
import { filesOf, gateYaml, projectId, vaultId } from './fixtures.ts';

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

test('without a file everything is at its default and there are no gates', () => {
  expect(loadConfig({ env: {}, files: filesOf({}) })).toEqual({
    path: undefined,
    statePath: undefined,
    atlas: {
      baseUrl: 'https://cloud.mongodb.com',
      auth: undefined,
      includeGateways: false,
      timeoutMs: 30_000,
    },
    static: [],
    gates: [],
    watch: defaultWatchConfig,
    notify: [],
    server: undefined,
    findings: [],
  });
});

test('a gate has the defaults of the removal policy, and only observes', () => {
  const { gates } = loadConfig({ env: {}, files: filesOf({ 'postern.yaml': gateYaml() }) });
  expect(gates).toEqual([
    {
      kind: 'azure-key-vault',
      name: 'production',
      vault: vaultId,
      cloud: 'AzureCloud',
      endpoint: undefined,
      authorityHost: undefined,
      credential: undefined,
      projects: [projectId],
      policy: 'observe',
      pinned: [],
      adopt: false,
      removal: defaultRemovalPolicy,
    },
  ]);
});

test('what the file says is read into units and canonical blocks', () => {
  const yaml = gateYaml(
    'policy: sync',
    'pinned: [8.8.8.8, 2001:4860:0:0::/48]',
    'removal: { grace: 1d12h, minReads: 3, minReadGap: 0s, maxCount: 0, maxShare: 1, shrinkShare: 0.5 }',
  );
  const [gate] = loadConfig({ env: {}, files: filesOf({ 'postern.yml': yaml }) }).gates;
  expect(gate).toMatchObject({ policy: 'sync', pinned: ['8.8.8.8/32', '2001:4860::/48'] });
  expect(gate?.removal).toEqual({
    ...defaultRemovalPolicy,
    graceMs: 36 * 3_600_000,
    minReads: 3,
    minReadGapMs: 0,
    maxCount: 0,
    maxShare: 1,
    shrinkShare: 0.5,
    shrinkWindowMs: defaultRemovalPolicy.shrinkWindowMs,
  });
});

test('the config is frozen, all the way down', () => {
  const config = loadConfig({ env: {}, files: filesOf({ 'postern.yaml': gateYaml() }) });
  expect(() => Object.assign(config.gates[0]!.removal, { graceMs: 0 })).toThrow(TypeError);
  expect(() => (config.gates as unknown[]).push(1)).toThrow(TypeError);
});

test.each<[name: string, path: string | undefined, env: NodeJS.ProcessEnv, expected: string | undefined]>([
  ['--config first', 'a.yaml', { POSTERN_CONFIG: 'b.yaml' }, 'a.yaml'],
  ['then POSTERN_CONFIG', undefined, { POSTERN_CONFIG: 'b.yaml' }, 'b.yaml'],
  ['then postern.yaml', undefined, { POSTERN_CONFIG: '' }, 'postern.yaml'],
])('the config is looked for: %s', (_, path, env, expected) => {
  const files = filesOf({ 'a.yaml': '', 'b.yaml': '', 'postern.yaml': '', 'postern.yml': '' });
  expect(loadConfig({ path, env, files }).path).toBe(expected);
});

test('a file that was named and is not there is an error', () => {
  expect(() => loadConfig({ path: 'a.yaml', env: {}, files: filesOf({ 'postern.yaml': '' }) })).toThrow(
    'The config a.yaml cannot be read: there is no such file.',
  );
});

test('a usual file that cannot be read is not passed over', () => {
  const files = {
    readText() {
      throw Object.assign(new Error('no'), { code: 'EACCES' });
    },
  };
  expect(() => loadConfig({ env: {}, files })).toThrow('The config postern.yaml cannot be read: EACCES.');
});

test('the journal: --state, POSTERN_STATE, then the file, relative to it', () => {
  const files = filesOf({ '/etc/postern/postern.yaml': 'state: journal.db' });
  const path = '/etc/postern/postern.yaml';
  const env = { POSTERN_STATE: '/b.db' };
  expect(loadConfig({ path, env, files, overrides: { statePath: '/a.db' } }).statePath).toBe('/a.db');
  expect(loadConfig({ path, env, files }).statePath).toBe('/b.db');
  expect(loadConfig({ path, env: {}, files }).statePath).toBe('/etc/postern/journal.db');
});

test.each([
  ['commercial', 'https://cloud.mongodb.com'],
  ['government', 'https://cloud.mongodbgov.com'],
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ['https://atlas.example.com', 'https://atlas.example.com'],
])('baseUrl %s', (given, expected) => {
  const files = filesOf({ 'postern.yaml': `atlas: { baseUrl: "${given}" }` });
  expect(loadConfig({ env: {}, files }).atlas.baseUrl).toBe(expected);
});

test('the environment names a base URL for a config that does not, and it is checked too', () => {
  const files = filesOf({});
  const load = (url: string) => loadConfig({ env: { MONGODB_ATLAS_BASE_URL: url }, files }).atlas.baseUrl;
  expect(load('https://cloud-dev.mongodb.com/')).toBe('https://cloud-dev.mongodb.com/');
  expect(() => load('http://example.com')).toThrow('MONGODB_ATLAS_BASE_URL: expected an https URL');
});

test('a secret is read when it is used, not when the config is', () => {
  const auth = '{ serviceAccount: { clientId: id, clientSecret: env:NOT_SET } }';
  const files = filesOf({ 'postern.yaml': `atlas: { auth: ${auth} }` });
  const { atlas } = loadConfig({ env: {}, files });
  expect(() => atlasCredentialsOf(atlas, {}, files)).toThrow(
    'The secret env:NOT_SET is not there: the environment variable NOT_SET is not set.',
  );
  const { credentials } = atlasCredentialsOf(atlas, { NOT_SET: 'hush-hush' }, files);
  expect(credentials).toMatchObject({ kind: 'service-account', clientId: 'id' });
  expect(JSON.stringify(credentials)).not.toContain('hush-hush');
});

test('a secret file is relative to the config, loses its line break, and should not be everyone’s', () => {
  const auth = '{ apiKey: { publicKey: abcdefgh, privateKey: file:key.txt } }';
  const yaml = `atlas: { auth: ${auth} }`;
  const { atlas } = loadConfig({
    path: '/etc/postern.yaml',
    env: {},
    files: filesOf({ '/etc/postern.yaml': yaml }),
  });
  const read = (text: string, mode?: number) =>
    atlasCredentialsOf(atlas, {}, filesOf({ '/etc/key.txt': text }, mode));
  const { credentials, findings } = read('hush-hush\r\n');
  expect(credentials.kind === 'api-key' && credentials.privateKey.reveal()).toBe('hush-hush');
  expect(findings).toEqual([]);
  expect(read('hush-hush', 0o644).findings).toEqual([
    {
      id: 'secret-file-world-readable',
      severity: 'warning',
      message: 'Everyone on this machine can read the secret file /etc/key.txt.',
      remedy: 'Run: chmod 600 /etc/key.txt',
    },
  ]);
  expect(() => read('\n')).toThrow('/etc/key.txt is empty');
  expect(() => read('hush\nhush')).toThrow('has more than one line');
});

test('a secret file that is not there is named', () => {
  const reference = { kind: 'file', path: '/no/such', text: 'file:/no/such' } as const;
  expect(() => resolveSecret(reference, {}, filesOf({}))).toThrow(
    'The secret file:/no/such cannot be read from /no/such (ENOENT).',
  );
});

test.each<[name: string, env: NodeJS.ProcessEnv, expected: object]>([
  ['nothing', {}, { kind: 'none' }],
  ['half a pair', { MONGODB_ATLAS_CLIENT_ID: 'id' }, { kind: 'none' }],
  [
    'a service account',
    { MONGODB_ATLAS_CLIENT_ID: 'id', MONGODB_ATLAS_CLIENT_SECRET: 'hush-hush' },
    { kind: 'service-account', clientId: 'id' },
  ],
  [
    'an API key',
    { MONGODB_ATLAS_PUBLIC_API_KEY: 'a', MONGODB_ATLAS_PRIVATE_API_KEY: 'hush-hush' },
    { kind: 'api-key', publicKey: 'a' },
  ],
  [
    'an API key by its other names',
    { MONGODB_ATLAS_PUBLIC_KEY: 'a', MONGODB_ATLAS_PRIVATE_KEY: 'hush-hush' },
    { kind: 'api-key', publicKey: 'a' },
  ],
])('credentials of the environment: %s', (_, env, expected) => {
  expect(atlasCredentialsOf({ auth: undefined }, env, filesOf({})).credentials).toMatchObject(expected);
});

test('the sample config is valid, and names the schema that editors read', () => {
  const path = root('docs/postern.example.yaml');
  const text = readFileSync(path, 'utf8');
  const { gates } = loadConfig({ path, env: {}, files: filesOf({ [path]: text }) });
  expect(gates[0]?.removal).toEqual(defaultRemovalPolicy);
  const schema = /^# yaml-language-server: \$schema=(\S+)$/m.exec(text)?.[1];
  expect(resolve(root('docs'), schema ?? '')).toBe(root('schema/postern.schema.json'));
});

test('the published JSON Schema is up to date (else run: node scripts/schema.ts)', () => {
  const published = readFileSync(root('schema/postern.schema.json'), 'utf8');
  expect(JSON.parse(published)).toEqual(JSON.parse(configJsonSchema()));
});
