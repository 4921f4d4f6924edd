import { expect, test } from 'vitest';
import { CidrError } from '../../src/address/index.ts';
import { AtlasError } from '../../src/atlas/index.ts';
import { renderError, reportError } from '../../src/cli/errors.ts';
import { RefusedError, UsageError } from '../../src/cli/failures.ts';
import { ConfigError } from '../../src/config/index.ts';
import { GateConflictError, GateError, GateUnverifiedError } from '../../src/gates/gate.ts';
import { JournalError } from '../../src/journal/errors.ts';
import { Secret } from '../../src/secret.ts';
import { TransportError } from '../../src/transport/index.ts';

const rendered = (error: unknown) => renderError(reportError(error), (_, text) => text, undefined);
const get = { method: 'GET', url: 'https://example.com/a?key=hush' };
const put = { method: 'PATCH', url: 'https://example.com/a' };

test.each<[name: string, error: unknown, exitCode: number, lines: readonly string[]]>([
  [
    'of the command line',
    new UsageError('No such thing.', 'See: postern --help'),
    64,
    ['error: No such thing.', '  to do: See: postern --help'],
  ],
  [
    'a no',
    new RefusedError('You said no; nothing was written.'),
    4,
    ['error: You said no; nothing was written.'],
  ],
  [
    'of the config',
    new ConfigError('It is wrong.', { remedy: 'Mend it.' }),
    1,
    [
      'error: It is wrong.',
      '  so: nothing was read from Atlas or a gate, and nothing was written.',
      '  to do: Mend it.',
    ],
  ],
  [
    'of a gate, with its cause',
    new GateError('a', 'The vault cannot be read.', {
      code: 'Forbidden',
      remedy: 'Give it the role Reader.',
      cause: new Error('403', { cause: new Error('no role') }),
    }),
    1,
    [
      'error: The vault cannot be read.',
      '  because: 403',
      '  because: no role',
      '  to do: Give it the role Reader.',
    ],
  ],
  [
    'of a gate that someone else changed',
    new GateConflictError('a', 'It has been changed.'),
    1,
    ['error: It has been changed.', '  so: nothing was written.'],
  ],
  [
    'of a write that cannot be verified',
    new GateUnverifiedError('a', 'It could not be read back.'),
    1,
    [
      'error: It could not be read back.',
      '  so: a write may have happened; the next run reads the gate and finds out. Nothing is removed until then.',
    ],
  ],
  [
    'of the journal',
    new JournalError('It cannot be opened.', 'Make room.', new Error('disk full')),
    1,
    [
      'error: It cannot be opened.',
      '  because: disk full',
      '  so: without its journal Postern may add addresses, and removes none.',
      '  to do: Make room.',
    ],
  ],
  [
    'of the network, reading',
    new TransportError('network', get, 'no answer (ECONNREFUSED).', {
      mayHaveBeenSent: false,
      remedy: 'Check.',
    }),
    1,
    [
      'error: GET https://example.com/a: no answer (ECONNREFUSED).',
      '  so: nothing could be read there; nothing was changed.',
      '  to do: Check.',
    ],
  ],
  [
    'of the network, writing',
    new TransportError('timeout', put, 'no answer within 30 s.', { mayHaveBeenSent: true }),
    1,
    [
      'error: PATCH https://example.com/a: no answer within 30 s.',
      '  so: the request may have been carried out all the same.',
    ],
  ],
  [
    'of an address',
    new CidrError('x', 'it is none'),
    1,
    [`error: ${new CidrError('x', 'it is none').message}`],
  ],
  [
    'that nobody foresaw',
    new TypeError('x is not a function'),
    1,
    [
      'error: x is not a function',
      '  so: this was not foreseen, and is a fault in Postern.',
      '  to do: Run it again with POSTERN_DEBUG=1 and report what it prints.',
    ],
  ],
])('an error %s', (_, error, exitCode, lines) => {
  expect(reportError(error).exitCode).toBe(exitCode);
  expect(rendered(error).split('\n')).toEqual(lines);
});

test('Atlas’s code is kept for programs', () => {
  const error = new AtlasError('https://example.com', 403, 'IP_ADDRESS_NOT_ON_ACCESS_LIST', 'No.');
  expect(reportError(error)).toMatchObject({ name: 'AtlasError', code: 'IP_ADDRESS_NOT_ON_ACCESS_LIST' });
});

test('a cause that only repeats is left out, a circle of causes ends, and an empty message is named', () => {
  const inner = new Error('connect ECONNREFUSED');
  const outer = new GateError('a', 'It failed: connect ECONNREFUSED', { cause: inner });
  expect(reportError(outer).causes).toEqual([]);
  const circle = new Error('a');
  circle.cause = circle;
  expect(reportError(circle).causes).toEqual([]);
  const aggregate = new AggregateError([new Error('connect ::1'), new Error('connect 127.0.0.1')], '');
  expect(reportError(new Error('fetch failed', { cause: aggregate })).causes).toEqual([
    'AggregateError',
    'connect ::1',
  ]);
});

test('neither a secret nor a terminal’s control characters get through', () => {
  const secret = new Secret('hush-hush-errors', 'env:X').reveal();
  const text = rendered(
    new GateError('a', `bad ${secret}\u001b[2J`, { cause: new Error(`deep ${secret}`), remedy: secret }),
  );
  expect(text).not.toContain(secret);
  expect(text).not.toContain('\u001b');
});

test('what is thrown and is no error is told as it is', () => {
  expect(reportError('a text')).toMatchObject({ message: 'a text', exitCode: 1 });
  expect(reportError(undefined)).toMatchObject({ message: 'undefined', exitCode: 1 });
});
