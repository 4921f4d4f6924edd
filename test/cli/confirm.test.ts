import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { confirm } from '../../src/cli/confirm.ts';
import { RefusedError } from '../../src/cli/failures.ts';

function answer(text: string | null, isTTY: boolean, yes = false): Promise<void> {
  const input = Object.assign(new PassThrough(), { isTTY });
  const asked = confirm('Write 3 entries?', {
    yes,
    input,
    output: new PassThrough(),
    command: 'postern apply',
  });
  if (text === null) input.end();
  else input.write(text);
  return asked;
}

test.each(['y\n', 'Y\n', 'yes\n', ' YES \n'])('%j is a yes', async text => {
  await expect(answer(text, true)).resolves.toBeUndefined();
});

test.each(['\n', 'n\n', 'no\n', 'yep\n', 'ja\n', '\u0003', '\u0004', null])('%j is a no', async text => {
  await expect(answer(text, true)).rejects.toThrow(new RefusedError('You said no; nothing was written.'));
});

test('with nobody to ask, it is a no that names the flag', async () => {
  await expect(answer('y\n', false)).rejects.toMatchObject({
    name: 'RefusedError',
    remedy: 'Look at the plan, then run postern apply --yes.',
  });
});

test('--yes asks nobody', async () => {
  await expect(answer(null, false, true)).resolves.toBeUndefined();
});
