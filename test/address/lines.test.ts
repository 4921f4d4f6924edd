import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AddressSet,
  CidrError,
  type ParseOptions,
  parseCidr,
  tryParseCidr,
} from '../../src/address/index.ts';
import { cidrLists } from './arbitraries.ts';
import { nearlyCidr } from './nearly-cidr.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

const anyOptions: fc.Arbitrary<ParseOptions> = fc.record({
  bare: fc.constantFrom('refuse', 'host'),
  hostBits: fc.constantFrom('refuse', 'mask'),
});

describe('a list of lines', () => {
  test('is accepted where parseCidr accepts every line, and refused with its first error', () => {
    const seen = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(
        fc.array(nearlyCidr, { minLength: 1, maxLength: 3 }),
        anyOptions,
        fc.boolean(),
        (lines, options, ended) => {
          const results = lines.map(line => tryParseCidr(line, options));
          // An empty last line that is not ended is no line.
          fc.pre(ended || lines.at(-1) !== '');
          const text = bytes(lines.join('\n') + (ended ? '\n' : ''));
          const refused = results.find(result => !result.ok);
          seen[refused ? 'refused' : 'accepted']++;
          if (refused) {
            expect(() => AddressSet.fromLines(text, options)).toThrow(
              new CidrError(wellFormed(refused.error.input), refused.error.fault),
            );
          } else {
            const cidrs = results.filter(result => result.ok).map(result => result.cidr);
            expect(AddressSet.fromLines(text, options).equals(AddressSet.of(cidrs))).toBe(true);
          }
        },
      ),
      { numRuns: 10_000 },
    );
    expect(Math.min(seen.accepted, seen.refused)).toBeGreaterThan(500);
  });

  test.each([
    ['', 0n],
    ['10.0.0.0/8', 1n << 24n],
    ['10.0.0.0/8\n', 1n << 24n],
    ['10.0.0.0/8\n2001:db8::/32\n', (1n << 24n) + (1n << 96n)],
  ])('%j holds %d addresses', (text, size) => {
    expect(AddressSet.fromLines(bytes(text)).size).toBe(size);
  });

  test.each([
    ['\n', /it is empty/],
    ['10.0.0.0/8\n\n', /it is empty/],
    ['10.0.0.0/8\r\n', /"10\.0\.0\.0\/8\\u000d".*white space/],
    ['\ufeff10.0.0.0/8\n', /"\\ufeff10/],
    ['10.0.0.0/8\nnonsense\n256.0.0.0/8', /"nonsense"/],
    ['# comment\n', /white space/],
  ])('%j is refused', (text, message) => {
    expect(() => AddressSet.fromLines(bytes(text))).toThrow(message);
  });

  test('longer than the first room that is made for it', () => {
    const cidrs = Array.from({ length: 5000 }, (_, index) =>
      parseCidr(`${index >> 8}.${index & 255}.0.0/24`),
    );
    const long6 = Array.from({ length: 5000 }, (_, index) =>
      parseCidr(`2001:db8:ffff:ffff:ffff:ffff:${(index * 2).toString(16)}:1/128`),
    );
    expect(AddressSet.of([...long6, ...cidrs]).toCidrs()).toEqual([...cidrs, ...long6]);
  });

  test('with bytes that are no UTF-8 is refused', () => {
    expect(() => AddressSet.fromLines(Uint8Array.of(0x31, 0xff, 0x0a))).toThrow(CidrError);
  });
});

test.each(cidrLists)('toLines prints what toCidrs lists, and reads back: %s', (_, list) => {
  fc.assert(
    fc.property(list, cidrs => {
      const set = AddressSet.of(cidrs);
      const lines = set.toLines();
      expect(new TextDecoder().decode(lines)).toBe(
        set
          .toCidrs()
          .map(cidr => `${cidr}\n`)
          .join(''),
      );
      expect(AddressSet.fromLines(lines).equals(set)).toBe(true);
    }),
  );
});

/** What is left of a lone surrogate after UTF-8. */
const wellFormed = (text: string) => text.toWellFormed();
