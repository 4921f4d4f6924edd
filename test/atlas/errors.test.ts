import { describe, expect, test } from 'vitest';
import { atlasErrorOf, quote } from '../../src/atlas/errors.ts';
import { Secret } from '../../src/secret.ts';

const url = 'https://cloud.mongodb.com/api/atlas/v2/groups?pageNum=1';
const errorOf = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  atlasErrorOf(url, {
    status,
    headers,
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  });

describe('an error of Atlas says what to do', () => {
  test.each([
    [401, { errorCode: 'UNEXPECTED_ERROR' }, /expired/],
    [403, { errorCode: 'USER_UNAUTHORIZED' }, /Project Read Only/],
    [
      403,
      { errorCode: 'IP_ADDRESS_NOT_ON_ACCESS_LIST', detail: 'IP address 52.1.2.3 is not allowed.' },
      /^Add 52\.1\.2\.3 to/,
    ],
    [
      403,
      { errorCode: 'IP_ADDRESS_NOT_ON_ACCESS_LIST', parameters: ['2600:1f18::1'] },
      /^Add 2600:1f18::1 to/,
    ],
    [
      403,
      { errorCode: 'IP_ADDRESS_NOT_ON_ACCESS_LIST', parameters: [null, {}] },
      /^Add the address that Postern calls from/,
    ],
    [404, { errorCode: 'GROUP_NOT_FOUND' }, /project id/],
    [406, { errorCode: 'INVALID_VERSION_DATE' }, /version/],
    [410, { errorCode: 'VERSION_GONE' }, /upgrade Postern/],
    [429, { errorCode: 'RATE_LIMITED' }, /rate limit/],
    [302, '', /baseUrl/],
    [503, '<html>', /try again later/],
  ])('%i %j', (status, body, remedy) => {
    const error = errorOf(status, body);
    expect(error.remedy).toMatch(remedy);
    expect(error).toMatchObject({ status, url: 'https://cloud.mongodb.com/api/atlas/v2/groups' });
  });

  test('takes the code from the header where the body has none', () => {
    expect(errorOf(404, '', { 'x-error-code': 'GROUP_NOT_FOUND' }).code).toBe('GROUP_NOT_FOUND');
  });
});

describe('a body that is no JSON', () => {
  test('is quoted, one line, no more than 120 characters', () => {
    const text = quote(`<html>\n\u001b[31m${'x'.repeat(1_000)}`);
    expect(text).toMatch(/^The body begins "<html> \\u001b\[31mx+"\.$/);
    expect(text.length).toBeLessThan(150);
  });

  test('is quoted without secrets, not even the half of one at the cut', () => {
    const secret = new Secret('abcdefghijklmnop', 'test').reveal();
    for (let before = 100; before < 125; before++) {
      expect(errorOf(502, `${'.'.repeat(before)}${secret}`).message).not.toMatch(/abcd/);
    }
  });
});

test('a detail without measure is cut', () => {
  expect(errorOf(500, { detail: 'x'.repeat(1e6), errorCode: 'y'.repeat(1e6) }).message.length).toBeLessThan(
    1_000,
  );
});
