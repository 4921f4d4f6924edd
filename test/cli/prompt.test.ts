import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createPrompt } from '../../src/cli/prompt/prompt.ts';

const keys = { up: '\u001b[A', down: '\u001b[B', enter: '\r', space: ' ', ctrlC: '\u0003' } as const;

const clouds = [
  { title: 'in the policy of the role', hint: "as MongoDB's documentation has it", value: 'role' },
  { title: "in the key's own policy", hint: 'stricter', value: 'key' },
];

/** A terminal of so many columns, as far as the prompt uses one: what stands on it line by line. */
function terminal(columns = 80) {
  const input = new PassThrough();
  const written: string[] = [];
  const output = Object.assign(new PassThrough(), { columns });
  output.on('data', chunk => written.push(String(chunk)));
  const prompt = createPrompt({ input, output, style: (_, text) => text });
  return {
    prompt,
    press: (...names: readonly (keyof typeof keys)[]) => {
      for (const name of names) input.write(keys[name]);
    },
    type: (text: string) => input.write(text),
    screen: () => screenOf(written.join(''), columns),
  };
}

function screenOf(text: string, columns: number): readonly string[] {
  let rows: string[] = [''];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's own
  for (const part of text.split(/(\u001b\[\d*[AJ]|\n|\r)/)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's own
    const up = /^\u001b\[(\d+)A$/.exec(part);
    if (up) rows = rows.slice(0, rows.length - Number(up[1]));
    else if (part === '\n') rows.push('');
    else if (part === '\u001b[J') rows[rows.length - 1] = '';
    else if (part !== '\r') {
      for (let at = 0; at < part.length; at += columns) {
        if (at > 0) rows.push('');
        rows[rows.length - 1] += part.slice(at, at + columns);
      }
    }
  }
  return rows.slice(0, -1);
}

test('the arrow keys move, Enter chooses, and the answer stands in place of the list', async () => {
  const { prompt, press, screen } = terminal();
  const answer = prompt.choose('Where?', clouds);
  expect(screen()).toEqual([
    '? Where? (↑ ↓, Enter)',
    "› in the policy of the role  as MongoDB's documentation has it",
    "  in the key's own policy  stricter",
  ]);
  press('down', 'up', 'down', 'enter');
  expect(await answer).toBe('key');
  expect(screen()).toEqual(["? Where? in the key's own policy"]);
});

test.each([20, 40])('on %i columns a long list and question leave nothing behind', async columns => {
  const { prompt, press, screen } = terminal(columns);
  const answer = prompt.choose('In which of these policies shall the list stand?', clouds);
  press('down', 'up', 'enter');
  expect(await answer).toBe('role');
  expect(screen().join('')).toBe(
    '? In which of these policies shall the list stand? in the policy of the role',
  );
});

test('of many, Space ticks and unticks; all are ticked to begin with', async () => {
  const { prompt, press, screen } = terminal();
  const answer = prompt.chooseMany('Which?', clouds);
  expect(screen()[1]).toBe("› [x] in the policy of the role  as MongoDB's documentation has it");
  press('space', 'down', 'enter');
  expect(await answer).toEqual(['key']);
  expect(screen()).toEqual(["? Which? in the key's own policy"]);
});

test('Ctrl-C is a no to everything', async () => {
  const { prompt, press } = terminal();
  const answer = prompt.choose('Where?', clouds);
  press('ctrlC');
  await expect(answer).rejects.toThrow('You stopped; nothing was written.');
});

test('a line is asked for again until there is no fault in it, and an empty one is the default', async () => {
  const { prompt, type, screen } = terminal();
  const check = (text: string) => (text === 'eu' ? undefined : 'expected eu');
  const answer = prompt.line('Region?', { fallback: 'eu', check });
  type('us\r');
  await new Promise(resolve => setImmediate(resolve));
  expect(screen().join()).toContain('✗ expected eu');
  type('\r');
  expect(await answer).toBe('eu');
});
