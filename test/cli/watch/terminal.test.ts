/** What a person at a terminal sees of the daemon: the real one, on a simulated clock. */
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { Output } from '../../../src/cli/output.ts';
import { Terminal } from '../../../src/cli/watch/terminal.ts';
import type { LogLevel } from '../../../src/log/levels.ts';
import { forbidden, minuteMs, Rig, type RigOptions } from '../../watch/rig.ts';

const fresh = '44.206.200.18/32';

interface Seen extends Rig {
  terminal: Terminal;
  /** What stays on the screen, without the live line and the times. */
  screen(): string;
  /** The newest live line. */
  live(): string;
  /** How often the terminal asked for the whole state. */
  statuses: number;
  end(): Promise<string>;
}

function watchAt(options: RigOptions & { columns?: number; quiet?: boolean; logLevel?: LogLevel } = {}) {
  const { columns = 80, quiet = false, logLevel = 'info' } = options;
  const rig = new Rig(options) as Seen;
  rig.statuses = 0;
  let written = '';
  const stderr = { isTTY: true, columns, on: () => {}, write: (text: string) => (written += text) };
  const stdout = { on: () => {}, write: () => {} };
  const output = new Output({ stdout, stderr, env: {}, json: false, quiet, color: true });
  const { config, journalPath: journal } = rig;
  const status = () => {
    rig.statuses++;
    return rig.watch.status();
  };
  const terminal = new Terminal({ output, logLevel, config, journal, clock: rig.clock, status });
  rig.terminal = terminal;
  rig.start();
  rig.watch.subscribe(event => terminal.tell(event));
  const pieces = () => written.split('\r\u001b[2K');
  rig.screen = () =>
    stripVTControlCharacters(
      pieces()
        .filter(piece => !piece.startsWith('… '))
        .join(''),
    ).replaceAll(/^\d\d:\d\d:\d\d /gm, '');
  rig.live = () => stripVTControlCharacters(pieces().findLast(piece => piece.startsWith('… ')) ?? '');
  rig.end = async () => {
    const stopped = rig.watch.stop('Interrupted by SIGINT.');
    await rig.clock.advance(minuteMs);
    await stopped;
    terminal.end();
    return rig.screen();
  };
  return rig;
}

test('the heading says what is watched, how often and where the journal is; a change says which address', async () => {
  const rig = watchAt({ gates: ['payments', 'audit-trail'] });
  await rig.clock.advance(minuteMs);
  expect(rig.screen()).toMatch(
    /^Postern \d+\.\d+\.\d+ watches 2 gates:\n {2}payments +azure-key-vault {2}sync/,
  );
  expect(rig.screen()).toContain('control plane every 1m, nodes every 3m, gates every 2m');
  expect(rig.screen()).toContain(rig.journalPath);
  expect(rig.live()).toContain('all is well: 2 of 2 gates let Atlas in · next look in');
  rig.atlas.addControlPlane('aws', 'us-east-1', [fresh]);
  await rig.clock.advance(2 * minuteMs);
  expect(rig.screen()).toContain(`✓ control-plane: 1 new address: ${fresh}\n`);
  expect(rig.screen()).toContain(`✓ payments: let in ${fresh}; read back after`);
  const end = await rig.end();
  expect(end.match(/stopp/g)).toHaveLength(2);
  expect(end).toMatch(/✓ stopped after \d+m( \d+s)?: \d+ looks, 4 writes\n$/);
});

test('Atlas is down: told once for each feed, since when in the live line, and when it is over', async () => {
  const rig = watchAt();
  await rig.clock.advance(5 * minuteMs);
  rig.onRequest = () => Promise.reject(new TypeError('the connection broke'));
  await rig.clock.advance(20 * minuteMs);
  expect(rig.screen().match(/the answer is incomplete/g)).toHaveLength(2);
  expect(rig.live()).toMatch(/control-plane is incomplete for 1\dm.* · 1 more/);
  rig.onRequest = () => undefined;
  await rig.clock.advance(5 * minuteMs);
  expect(rig.screen()).toMatch(/✓ control-plane: complete again, 12 addresses, after \d+m/);
  // The addresses are the ones from before.
  expect(rig.screen()).not.toContain('new address');
  expect(rig.live()).toContain('all is well');
});

test('a gate that fails says what, when it is tried again and what to do, once; and when it is well', async () => {
  const rig = watchAt();
  await rig.clock.advance(5 * minuteMs);
  rig.gate.onRead = () => {
    throw forbidden();
  };
  await rig.clock.advance(40 * minuteMs);
  const told = rig.screen().match(/✗ vault: The vault says no\./g);
  expect(told).toHaveLength(1);
  expect(rig.screen()).toMatch(/Postern looks again by itself, in .+\n {11}to do: /);
  expect(rig.live()).toMatch(/gate vault fails for 3\dm/);
  rig.gate.onRead = () => {};
  await rig.clock.advance(40 * minuteMs);
  expect(rig.screen()).toMatch(/✓ vault: all is well again, after \d+m/);
});

test('a gate on observe says which addresses are not let in, and what would let them in', async () => {
  const rig = watchAt({ policy: 'observe' });
  await rig.clock.advance(10 * minuteMs);
  expect(rig.screen()).toContain('vault  azure-key-vault  observe: writes nothing');
  expect(rig.screen().match(/✗ Gate vault is on observe: 15 addresses are not let in/g)).toHaveLength(1);
  expect(rig.screen()).toMatch(/Not let in: 3\.92\.113\.229\/32, .* and 12 more\n/);
  expect(rig.screen()).toContain('to do: See what is to be done: postern plan --gate vault');
});

test('a wrong config shows each fault on a line of its own', async () => {
  const rig = watchAt();
  await rig.clock.advance(minuteMs);
  rig.watch.refuseConfig(
    'postern.yaml has 2 errors:\n  postern.yaml:1:9  a\n  postern.yaml:2:1  b\nMend it.',
  );
  expect(rig.screen()).toContain(
    [
      '✗ the new config is wrong, and the one before stays in force.',
      'postern.yaml has 2 errors:',
      'postern.yaml:1:9  a',
      'postern.yaml:2:1  b',
      'Mend it.',
    ].join(`\n${' '.repeat(11)}`),
  );
  await rig.clock.advance(100);
  expect(rig.live()).toContain('the new config is wrong for');
});

test('a gate that has left the config is no trouble any more, and none of another kind, whatever its name', async () => {
  const rig = watchAt({ gates: ['config', 'vault'] });
  await rig.clock.advance(5 * minuteMs);
  rig.gates.get('config')!.onRead = () => {
    throw forbidden();
  };
  await rig.clock.advance(5 * minuteMs);
  rig.watch.refuseConfig('postern.yaml:1:9 is odd.');
  await rig.clock.advance(1_000);
  expect(rig.live()).toMatch(/gate config fails for .* · 1 more/);
  rig.watch.reload(rig.config);
  await rig.clock.advance(1_000);
  expect(rig.live()).toContain('gate config fails for');
  rig.watch.reload({ ...rig.config, gates: rig.config.gates.slice(1) });
  await rig.clock.advance(1_000);
  expect(rig.live()).toContain('all is well: 1 of 1 gate lets Atlas in');
});

test('the live line is drawn ten times a second at most, however much happens', async () => {
  const rig = watchAt();
  await rig.clock.advance(5 * minuteMs);
  rig.statuses = 0;
  for (let count = 0; count < 500; count++) rig.watch.fault('a test', new Error('It happens.'));
  await rig.clock.advance(100);
  expect(rig.statuses).toBe(1);
});

test.each([60, 80, 120])('no line is wider than a terminal of %i columns', async columns => {
  const rig = watchAt({ columns });
  await rig.clock.advance(minuteMs);
  rig.onRequest = () => Promise.reject(new TypeError('a fault whose sentence is long '.repeat(6)));
  rig.gate.onRead = () => {
    throw forbidden();
  };
  await rig.clock.advance(10 * minuteMs);
  const lines = (await rig.end()).split('\n').filter(line => !line.includes(rig.folder));
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
});

test('--quiet leaves what is wrong; --log-level debug tells each look', async () => {
  const quiet = watchAt({ quiet: true });
  await quiet.clock.advance(5 * minuteMs);
  expect(quiet.screen()).toBe('');
  quiet.gate.onRead = () => {
    throw forbidden();
  };
  await quiet.clock.advance(5 * minuteMs);
  expect(quiet.screen()).toContain('✗ vault: The vault says no.');
  const debug = watchAt({ logLevel: 'debug' });
  await debug.clock.advance(5 * minuteMs);
  expect(debug.screen()).toContain('· vault: looking (interval)');
});

test('that people did not get a message is said', async () => {
  const rig = watchAt();
  await rig.clock.advance(minuteMs);
  rig.terminal.undelivered({ level: 'warn', message: 'channel oncall took no message', fields: {} });
  expect(await rig.end()).toContain('! channel oncall took no message\n');
});
