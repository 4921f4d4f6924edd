import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PlanFileError, parsePlanFile, renderPlan } from '../../../src/plan/render/index.ts';
import { anyPlans } from './arbitrary-plan.ts';
import { busy, calm, observed, options } from './examples.ts';

const json = renderPlan([busy], 'json', options);

type Path = readonly (string | number)[];

/** The example's file with one field changed, or left out where `value` is undefined. */
function edited(path: Path, value: unknown, text = json): string {
  const file = JSON.parse(text);
  const parent = path.slice(0, -1).reduce((each, key) => each[key], file);
  parent[path.at(-1)!] = value;
  return JSON.stringify(file);
}

describe('a plan file that was saved', () => {
  test('comes back as it was', () => {
    expect(parsePlanFile(renderPlan([busy, calm, observed], 'json', options))).toStrictEqual([
      busy,
      calm,
      observed,
    ]);
  });

  test('comes back as it was, whatever it holds', () => {
    fc.assert(
      fc.property(anyPlans, plans => {
        expect(parsePlanFile(renderPlan(plans, 'json', options))).toEqual(plans);
      }),
    );
  });

  test('has the same bytes however its objects were built, and ends with one newline', () => {
    const reversed = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(reversed)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .reverse()
                .map(([key, each]) => [key, reversed(each)]),
            )
          : value;
    expect(renderPlan([reversed(busy) as typeof busy], 'json', options)).toBe(json);
    expect(json).toMatch(/[^\n]\n$/);
    expect(Object.keys(JSON.parse(json))).toEqual(['postern', 'version', 'plans']);
  });

  test('may have a byte order mark, and a checksum that does not fit any more', () => {
    const text = edited(['plans', 0, 'checksum'], 'edited');
    expect(parsePlanFile(`\ufeff${text}`)[0]?.checksum).toBe('edited');
  });
});

describe('a plan file that is refused', () => {
  test.each<[what: string, text: string, says: RegExp]>([
    ['an empty file', ' \n', /not JSON: it is empty.*postern plan --out/s],
    ['half a file', json.slice(0, 200), /not JSON: .*(line \d+, column \d+|too early)/],
    ['a YAML file', 'postern: plan', /not JSON/],
    ['a list', '[]', /not a Postern plan: expected "postern": "plan"/],
    ['null', 'null', /not a Postern plan/],
    ['a Terraform plan', '{"format_version":"1.2"}', /not a Postern plan/],
    ['no version', '{"postern":"plan","plans":[]}', /version: .*expected/],
    [
      'a newer version',
      '{"postern":"plan","version":2}',
      /version 2, and this Postern reads version 1\. Update/,
    ],
    ['version 0', '{"postern":"plan","version":0,"plans":[]}', /version: .*expected 1/],
    ['no plans', '{"postern":"plan","version":1}', /plans: .*expected array/],
    [
      'a typing error',
      edited(['plans', 0, 'entries', 3, 'action'], 'opne'),
      /plans\[0\]\.entries\[3\]\.action: .*"open"/,
    ],
    [
      'a broken address',
      edited(['plans', 0, 'steps', 0, 'to', 2], '256.1.1.1/32'),
      /plans\[0\]\.steps\[0\]\.to\[2\]: .*256\.1\.1\.1/,
    ],
    [
      'an address that is not canonical',
      edited(['plans', 0, 'missing', 0], '2001:DB8::/32'),
      /canonical form 2001:db8::\/32/,
    ],
    ['a key that nobody knows', edited(['plans', 0, 'force'], true), /plans\[0\]: .*"force"/],
    [
      'a feed that nobody knows',
      edited(['plans', 0, 'feeds', 0, 'feed'], 'dns'),
      /feeds\[0\]\.feed: expected control-plane/,
    ],
    ['a time beyond the calendar', edited(['plans', 0, 'atMs'], 9e15), /plans\[0\]\.atMs/],
    [
      'an undone field',
      edited(['plans', 0, 'usage', 'after', 'limit'], undefined),
      /usage\.after\.limit: .*expected number/,
    ],
  ])('%s', (_what, text, says) => {
    const error = catchError(() => parsePlanFile(text));
    expect(error).toBeInstanceOf(PlanFileError);
    expect(error.message).toMatch(says);
  });

  test('does not have its text quoted, because it may be a file of secrets', () => {
    expect(catchError(() => parsePlanFile('CLIENT_SECRET=hunter2')).message).not.toMatch(/CLIENT|hunter/);
  });

  test('brings no escape code to the terminal', () => {
    const text = edited(['plans', 0, '\u001b[2J\n'], 1, edited(['plans', 0, 'missing', 0], '\u001b[31m'));
    const { message } = catchError(() => parsePlanFile(text));
    expect(message).toContain('u{1b}');
    expect(message).not.toContain('\u001b');
  });

  test('has its faults counted when they are many', () => {
    const text = edited(['plans', 0, 'entries'], Array(9).fill({}));
    expect(catchError(() => parsePlanFile(text)).message).toMatch(/and \d+ more/);
  });
});

function catchError(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error('Nothing was thrown.');
}
