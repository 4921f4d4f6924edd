/** Valid documents, damaged: noise alone is refused by the first check of a parser, and tests nothing behind it. */
import fc from 'fast-check';

const odd: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  '',
  '*',
  [],
  {},
  [[]],
  [null],
  '0.0.0.0/0',
  '10.0.0.1',
  '3.92.113.229/33',
  '::/0',
  'constructor',
  'x'.repeat(5_000),
  '\u0000',
  '\u2028',
  'é',
];
/** As JSON.parse gives it: a member of its own by that name. */
const poison = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
const ownMember = { enumerable: true, writable: true, configurable: true };
const value = fc.oneof(fc.constantFrom<unknown>(...odd, poison), fc.jsonValue({ maxDepth: 3 }));
const way = fc.constantFrom('replace', 'delete', 'poison', 'double', 'nest', 'swap');

/** One member, somewhere, made other than it was. */
export function damagedJson(examples: readonly unknown[]): fc.Arbitrary<unknown> {
  const damage = fc.tuple(fc.array(fc.nat(40), { minLength: 1, maxLength: 8 }), way, value);
  return fc
    .tuple(fc.constantFrom(...examples), fc.array(damage, { minLength: 1, maxLength: 3 }))
    .map(([example, damages]) =>
      damages.reduce(
        (document, [path, how, odd]) => damageOnce(document, path, how, structuredClone(odd)),
        structuredClone(example),
      ),
    );
}

function damageOnce(document: unknown, path: readonly number[], how: string, odd: unknown): unknown {
  let parent: any;
  let key = '';
  let at: any = document;
  for (const step of path) {
    if (typeof at !== 'object' || at === null) break;
    const keys = Object.keys(at);
    if (keys.length === 0) break;
    parent = at;
    key = keys[step % keys.length]!;
    at = parent[key];
  }
  if (parent === undefined) return odd;
  if (how === 'replace') parent[key] = odd;
  if (how === 'delete') {
    if (Array.isArray(parent)) parent.splice(Number(key), 1);
    else delete parent[key];
  }
  if (how === 'poison')
    Object.defineProperty(parent, '__proto__', { value: structuredClone(poison), ...ownMember });
  if (how === 'double' && Array.isArray(parent)) parent.push(structuredClone(at));
  if (how === 'nest') parent[key] = [{ [key]: at }];
  if (how === 'swap') {
    const other = Object.keys(parent)[0]!;
    [parent[key], parent[other]] = [parent[other], parent[key]];
  }
  return document;
}

/** One stretch of a text cut out, said twice, or replaced. */
export function damagedText(examples: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.constantFrom(
      '',
      '"',
      '{',
      '}',
      '[',
      ']',
      ':',
      '\n',
      '\t',
      '\u0000',
      '\ufeff',
      '&a',
      '*a',
      '!!js',
      '<<:',
      '__proto__:',
      '%',
      '@',
      '\\',
      '9'.repeat(400),
    ),
    fc.string({ unit: 'binary', maxLength: 12 }),
  );
  const cut = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(60), piece, fc.boolean());
  return fc
    .tuple(fc.constantFrom(...examples), fc.array(cut, { minLength: 1, maxLength: 4 }))
    .map(([example, cuts]) =>
      cuts.reduce((text, [where, length, put, again]) => {
        const from = Math.floor(where * text.length);
        const stretch = text.slice(from, from + length);
        return text.slice(0, from) + (again ? stretch + stretch : put) + text.slice(from + length);
      }, example),
    );
}

/** Texts of JSON documents: damaged in what they say, in how it is written, or not JSON at all. */
export function damagedJsonText(examples: readonly unknown[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 3, arbitrary: damagedJson(examples).map(document => JSON.stringify(document) ?? '') },
    { weight: 2, arbitrary: damagedText(examples.map(example => JSON.stringify(example))) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 200_000 }).map(depth => '['.repeat(depth)) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 3_000 }).map(depth => nested(examples[0], depth)) },
  );
}

/** A valid document with something very deep in it. */
function nested(example: unknown, depth: number): string {
  const text = JSON.stringify(example);
  const deep = `${'{"a":['.repeat(depth)}1${']}'.repeat(depth)}`;
  return text.startsWith('{') ? text.replace('{', `{"deep":${deep},`) : deep;
}
