import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { topLevelHelp } from '../../src/cli/program.ts';
import { ensureBuilt, makePlace } from './postern.ts';

const place = makePlace();
beforeAll(ensureBuilt);
afterAll(() => rmSync(place.folder, { recursive: true }));

const version = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

test.each([['--version'], ['-V']])('%s prints the version and nothing else', async argument => {
  expect(await place.run([argument])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
});

test.each<[args: readonly string[]]>([
  [[]],
  [['--help']],
  [['-h']],
  [['help']],
  [['--no-color', '--help']],
])('the arguments %j print the help', async args => {
  expect(await place.run(args)).toEqual({ exitCode: 0, stdout: topLevelHelp(), stderr: '' });
});

test('the fast path leaves nothing behind', async () => {
  const fresh = makePlace();
  await fresh.run(['--version']);
  expect(existsSync(join(fresh.folder, '.cache'))).toBe(false);
  rmSync(fresh.folder, { recursive: true });
});

test.each([
  'ips',
  'check',
  'plan',
  'apply',
  'explain',
  'history',
  'undo',
  'demo',
])('postern %s --help names the global options and gives an example', async name => {
  const { exitCode, stdout, stderr } = await place.run([name, '--help']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  for (const text of [
    '--config <path>',
    '--state <path>',
    '--json',
    '--quiet',
    '--no-color',
    `postern ${name}`,
  ]) {
    expect(stdout).toContain(text);
  }
  expect(topLevelHelp()).toContain(`  ${name} `);
});

test.each<[name: string, args: readonly string[], stderr: string]>([
  [
    'an unknown command',
    ['plna'],
    "error: Unknown command 'plna'.\n  to do: Did you mean plan? See: postern --help\n",
  ],
  [
    'an unknown option',
    ['ips', '--formt', 'text'],
    "error: Unknown option '--formt'.\n  to do: Did you mean --format? See: postern --help\n",
  ],
  [
    'a value that is not one of several',
    ['ips', '--format', 'jsn'],
    "error: Option '--format <format>' argument 'jsn' is invalid. Expected table, json, text, csv, yaml, tfvars, aws-role-policy, aws-key-policy, azure-cli, bicep, gcloud, terraform, terraform-json. Did you mean json?\n  to do: See: postern --help\n",
  ],
  [
    'a value that is missing',
    ['history', '--limit'],
    "error: Option '--limit <count>' argument missing.\n  to do: See: postern --help\n",
  ],
  [
    'a project id that would lead elsewhere',
    ['ips', '--project', '../../orgs'],
    "error: Option '--project <id>' argument '../../orgs' is invalid. Expected a project id, 24 hexadecimal digits.\n  to do: See: postern --help\n",
  ],
  [
    'an argument that is missing',
    ['explain'],
    "error: Missing required argument 'address'.\n  to do: See: postern --help\n",
  ],
  [
    'an argument too many',
    ['check', 'now'],
    "error: Too many arguments for 'check'. Expected 0 arguments but got 1: now.\n  to do: See: postern --help\n",
  ],
  [
    'a write that is none',
    ['history', 'last'],
    'error: "last" is no write\'s id.\n  to do: See the ids with: postern history\n',
  ],
])('a wrong command line ends with 64: %s', async (_, args, stderr) => {
  expect(await place.run(args)).toEqual({ exitCode: 64, stdout: '', stderr });
});

test('with --json an error is one JSON object on stdout, and told on stderr as well', async () => {
  const { exitCode, stdout, stderr } = await place.run(['plna', '--json']);
  expect(exitCode).toBe(64);
  expect(JSON.parse(stdout)).toEqual({
    error: {
      name: 'UsageError',
      message: "Unknown command 'plna'.",
      causes: [],
      remedy: 'Did you mean plan? See: postern --help',
    },
    exitCode: 64,
  });
  expect(stderr).toContain("Unknown command 'plna'.");
});

test('a bad config: every fault, on stderr and as JSON, and exit code 1', async () => {
  const path = place.file(
    'bad.yaml',
    'statik: []\natlas: { auth: { serviceAccount: { clientSecret: hush-hush } } }\n',
  );
  const { exitCode, stdout, stderr } = await place.run(['check', '--config', path, '--json']);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`error: ${path} has 3 errors:\n  ${path}:1:1  unknown key "statik"`);
  expect(stdout + stderr).not.toContain('hush-hush');
  const { error } = JSON.parse(stdout) as { error: { issues: { path: string; line: number }[] } };
  expect(error.issues.map(({ path, line }) => [path, line])).toEqual([
    ['', 1],
    ['atlas.auth.serviceAccount.clientId', 2],
    ['atlas.auth.serviceAccount.clientSecret', 2],
  ]);
});

test('options that hold for all commands may stand before and after the command', async () => {
  const path = place.file('bad.yaml', 'statik: []\n');
  for (const args of [
    ['--config', path, '--json', 'check'],
    ['check', '--json', '--config', path],
  ]) {
    const { exitCode, stdout } = await place.run(args);
    expect({ exitCode, name: JSON.parse(stdout).error.name }).toEqual({ exitCode: 1, name: 'ConfigError' });
  }
});

const colorStart = '\u001b[';
test.each<[name: string, args: readonly string[], env: NodeJS.ProcessEnv, colored: boolean]>([
  ['a pipe has none', [], {}, false],
  ['FORCE_COLOR gives them', [], { FORCE_COLOR: '1' }, true],
  ['FORCE_COLOR=0 does not', [], { FORCE_COLOR: '0' }, false],
  ['NO_COLOR is stronger', [], { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ['an empty NO_COLOR says nothing', [], { FORCE_COLOR: '1', NO_COLOR: '' }, true],
  ['--no-color is stronger', ['--no-color'], { FORCE_COLOR: '1' }, false],
])('colours: %s', async (_, args, env, colored) => {
  const { stderr } = await place.run(['plna', ...args], env);
  expect(stderr.includes(colorStart)).toBe(colored);
});

test('a stack is shown only when asked for', async () => {
  const args = ['check', '--config', 'no-such.yaml'];
  expect((await place.run(args)).stderr).not.toMatch(/^\s+at /m);
  expect((await place.run(args, { POSTERN_DEBUG: '1' })).stderr).toMatch(/^\s+at /m);
});

test('history of a journal that is not there makes none', async () => {
  const state = join(place.folder, 'state', 'journal.db');
  const { exitCode, stdout, stderr } = await place.run(['history', '--state', state]);
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 0,
    stdout: '',
    stderr: `No writes yet in ${state}.\n`,
  });
  expect(existsSync(state)).toBe(false);
});

test('a reader that goes away does not make it fail', () => {
  const entry = fileURLToPath(new URL('../../dist/postern.js', import.meta.url));
  const command = `"${process.execPath}" "${entry}" plan --help --no-color | true; exit "\${PIPESTATUS[0]}"`;
  const { status, stderr } = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
