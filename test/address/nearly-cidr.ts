/** Texts that are blocks, or would be but for an edit or two: where readers go wrong. */
import fc from 'fast-check';
import { anyBlock, longText, toCidr } from './arbitraries.ts';

const spelling = anyBlock.chain(block =>
  fc.constantFrom(
    longText(block),
    longText(block).toUpperCase(),
    toCidr(block),
    toCidr(block).split('/')[0]!,
  ),
);

const group = fc.constantFrom(
  '',
  '0',
  '00',
  '1',
  '10',
  '0000',
  '00000',
  'ab',
  'FFFF',
  '1.2.3.4',
  '1.2.3',
  '256',
  '255',
  '01',
  ':',
);
const assembled = fc
  .tuple(
    fc.array(group, { minLength: 1, maxLength: 9 }),
    fc.constantFrom(':', ':', '.'),
    fc.constantFrom('', '/0', '/32', '/128', '/129', '/'),
  )
  .map(([groups, separator, length]) => `${groups.join(separator)}${length}`);

const character = fc.oneof(
  fc.constantFrom(...'0123456789abcfFg.:/%-+ \r\t'),
  fc.constantFrom('\u0000', '\u0131', '\u0663', '\uff11', '\ufeff', '\ud800', 'é'),
);

interface Edit {
  readonly place: number;
  readonly removed: number;
  readonly inserted: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  place: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.integer({ min: 0, max: 2 }),
  inserted: fc.oneof(fc.constant(''), character),
});

function apply(text: string, { place, removed, inserted }: Edit): string {
  const at = Math.floor(place * text.length);
  return text.slice(0, at) + inserted + text.slice(at + removed);
}

/** Without line feeds, so that each is one line of a list. */
export const nearlyCidr: fc.Arbitrary<string> = fc
  .tuple(fc.oneof({ weight: 3, arbitrary: spelling }, assembled), fc.array(edit, { maxLength: 2 }))
  .map(([text, edits]) => edits.reduce(apply, text));
