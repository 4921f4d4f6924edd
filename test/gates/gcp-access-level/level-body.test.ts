/** The rule that matters most: nothing that lets in everyone can be built, whoever asks for it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  basicBody,
  maxEntries,
  UnsendableListError,
} from '../../../src/gates/gcp-access-level/level-body.ts';

test.each([
  ['an empty list', []],
  ['an empty text', ['52.1.1.1/32', '']],
  ['a blank text', [' ']],
  ['everyone of IPv4', ['52.1.1.1/32', '0.0.0.0/0']],
  ['everyone of IPv6', ['::/0']],
  ['everyone, oddly spelt', ['52.1.1.1/00']],
  ['no prefix after the slash', ['52.1.1.1/']],
  ['one more than fit', new Array(maxEntries + 1).fill('52.1.1.1/32')],
])('%s cannot be built', (_, list) => {
  expect(() => basicBody(list)).toThrow(UnsendableListError);
});

test.each([
  [1, [1], undefined],
  [200, [200], undefined],
  [201, [200, 1], 'OR'],
  [400, [200, 200], 'OR'],
  [maxEntries, new Array(40).fill(200), 'OR'],
])('%d entries', (count, sizes, combiningFunction) => {
  const list = Array.from({ length: count }, (_, index) => `52.${index >> 8}.${index & 255}.1/32`);
  const body = basicBody(list);
  expect(body.conditions.map(({ ipSubnetworks }) => ipSubnetworks.length)).toEqual(sizes);
  expect(body.conditions.flatMap(({ ipSubnetworks }) => ipSubnetworks)).toEqual(list);
  expect(body.combiningFunction).toBe(combiningFunction);
});

test('whatever the list: no condition is empty, and several are never combined by the default, AND', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('52.1.1.1/32', '2600:1f18::/36', ''), { maxLength: 900 }), list => {
      let body: ReturnType<typeof basicBody>;
      try {
        body = basicBody(list);
      } catch (error) {
        expect(error).toBeInstanceOf(UnsendableListError);
        expect(list.length === 0 || list.includes('')).toBe(true);
        return;
      }
      for (const { ipSubnetworks } of body.conditions) {
        expect(ipSubnetworks.length).toBeGreaterThan(0);
        expect(ipSubnetworks.length).toBeLessThanOrEqual(200);
      }
      if (body.conditions.length > 1) expect(body.combiningFunction).toBe('OR');
    }),
  );
});
