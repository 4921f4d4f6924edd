import { expect, test } from 'vitest';
import { Output, type OutputStream } from '../../src/cli/output.ts';
import { renderTable } from '../../src/cli/table.ts';
import { Secret } from '../../src/secret.ts';

interface Fake extends OutputStream {
  text: string;
  fail(code: string): void;
}

function fake(more: Partial<OutputStream> = {}): Fake {
  let listener = (_: NodeJS.ErrnoException) => {};
  return {
    text: '',
    write(text: string) {
      this.text += text;
    },
    on(_, given) {
      listener = given;
    },
    fail(code) {
      listener(Object.assign(new Error(code), { code }));
    },
    ...more,
  };
}

function outputOf(options: { quiet?: boolean; stdout?: Fake; stderr?: Fake; env?: NodeJS.ProcessEnv } = {}) {
  const { quiet = false, stdout = fake(), stderr = fake(), env = {} } = options;
  return { stdout, stderr, output: new Output({ stdout, stderr, env, json: false, quiet, color: true }) };
}

test('results go to stdout, everything else to stderr; --quiet keeps what is wrong', () => {
  const { output, stdout, stderr } = outputOf({ quiet: true });
  output.print('result');
  output.note('by the way');
  output.warn('wrong');
  const step = output.step('working');
  step.done('worked');
  expect([stdout.text, stderr.text]).toEqual(['result\n', 'wrong\n']);
});

test('no secret is printed, on either stream, in any form', () => {
  const secret = new Secret('hush-"hush-output', 'env:X');
  const { output, stdout, stderr } = outputOf();
  output.print(`a ${secret.reveal()} b`);
  output.json({ key: secret.reveal() });
  output.table([{ title: 'Key' }], [[secret.reveal()]]);
  output.warn(secret.reveal());
  output.step(secret.reveal()).fail(secret.reveal());
  expect(stdout.text + stderr.text).not.toMatch(/hush-output/);
  expect(stdout.text).toContain('a [redacted] b');
});

test('steps into a pipe are plain lines', () => {
  const { output, stderr } = outputOf();
  const step = output.step('reading');
  step.update('reading more');
  step.done('read');
  expect(stderr.text).toBe('… reading\n✓ read\n');
});

test('on a terminal the newest step is the last line, and comes back after other lines', () => {
  const stderr = fake({ isTTY: true, columns: 40 });
  const { output } = outputOf({ stderr, env: { NO_COLOR: '1' } });
  const one = output.step('one');
  const two = output.step('two');
  output.warn('beside');
  two.done('two done');
  expect(screenOf(stderr.text)).toEqual(['beside', '✓ two done', '… one']);
  one.fail('one failed');
  expect(screenOf(stderr.text)).toEqual(['beside', '✓ two done', '✗ one failed', '']);
});

test('a live line is never wider than the terminal', () => {
  const stderr = fake({ isTTY: true, columns: 20 });
  outputOf({ stderr }).output.step('x'.repeat(100));
  expect(screenOf(stderr.text)[0]?.length).toBeLessThan(20);
});

/** What a terminal shows after this text: a carriage return and `erase line` begin the line anew. */
function screenOf(text: string): readonly string[] {
  return text.split('\n').map(line => line.split('\r\u001b[2K').at(-1) ?? '');
}

test('when the reader goes away, printing is over and nothing else is', () => {
  const { output, stdout } = outputOf();
  stdout.fail('EPIPE');
  output.print('more');
  expect(stdout.text).toBe('');
  expect(() => stdout.fail('EIO')).toThrow('EIO');
});

const columns = [
  { title: 'Id', align: 'right' },
  { title: 'Name', shrinks: true },
  { title: 'Why', shrinks: true },
] as const;

test('a table fits the width by cutting what may be cut', () => {
  const rows = [
    ['1', 'a'.repeat(30), 'b'.repeat(50)],
    ['22', 'c', 'd'],
  ];
  const table = renderTable(columns, rows, 40).split('\n');
  expect(Math.max(...table.map(line => [...line].length))).toBeLessThanOrEqual(40);
  expect(table[1]).toMatch(/^ 1 {2}a+… {2}b+…$/);
  expect(table[2]).toMatch(/^22 {2}c +d$/);
  expect(renderTable(columns, rows, Number.POSITIVE_INFINITY)).toContain('b'.repeat(50));
});

test('a table shows the control characters in other people’s names', () => {
  const table = renderTable(columns, [['1', 'a\u001b[2Jb\nc', '']], 80);
  expect(table).not.toContain('\u001b');
  expect(table.split('\n')).toHaveLength(2);
});

test('on a terminal sentences are broken between words, and data is left as it is', () => {
  const terminal = { isTTY: true, columns: 30 };
  const { output, stdout, stderr } = outputOf({ stdout: fake(terminal), stderr: fake(terminal) });
  const sentence = '✓ Gate payments is in step: 3 added, and nothing removed.';
  const broken = '✓ Gate payments is in step: 3\n  added, and nothing removed.\n';
  output.say(sentence);
  output.note(sentence);
  expect([stdout.text, stderr.text]).toEqual([broken, broken]);
  output.print('x'.repeat(20).concat(' ', 'y'.repeat(20)));
  expect(stdout.text).toContain('x y');
  // Styles take no room, and a word that is too long stays whole.
  output.warn(`  ${output.styleNote('bold', 'to do:')} see https://example.com/a-long-way-to-go`);
  expect(stderr.text.split('\n').slice(2)).toEqual([
    '  \u001b[1mto do:\u001b[22m see',
    '    https://example.com/a-long-way-to-go',
    '',
  ]);
  const piped = outputOf();
  piped.output.say(sentence);
  expect(piped.stdout.text).toBe(`${sentence}\n`);
});

test('the last column stands below its row where the table is too wide', () => {
  const columns = [{ title: 'ID' }, { title: 'By', shrinks: true }, { title: 'Why', goesBelow: true }];
  const rows = [
    ['1', 'alice', 'Atlas wants it'],
    ['2', 'bob', 'undo of write 1, as the team asked for'],
  ];
  expect(renderTable(columns, rows, 80).split('\n')).toHaveLength(3);
  expect(renderTable(columns, rows, 30).split('\n')).toEqual([
    'ID  By',
    '1   alice',
    '      Atlas wants it',
    '2   bob',
    '      undo of write 1, as the',
    '      team asked for',
  ]);
});
