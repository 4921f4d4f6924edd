import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { doctorPage } from '../../scripts/doctor-page.ts';
import { meaningOf } from '../../src/doctor/catalogue.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Whose findings doctor can show. */
const sources = [
  'src/doctor/**/*.ts',
  'src/gates/**/*.ts',
  'src/plan/findings.ts',
  'src/plan/wanted.ts',
  'src/atlas/*.ts',
  'src/config/*.ts',
];

const ids = sources
  .flatMap(pattern => globSync(pattern, { cwd: root }))
  .flatMap(file => {
    const text = readFileSync(`${root}/${file}`, 'utf8');
    // A finding is known by the severity beside its id, or by the functions that make one.
    return [
      ...text.matchAll(/\bid: '([a-z][a-z-]+)',\s*severity/g),
      ...text.matchAll(/\b(?:of|unknown)\('([a-z][a-z-]+)'/g),
      ...text.matchAll(/\bid: [^,\n]+\? '([a-z-]+)' : '([a-z-]+)'/g),
      ...text.matchAll(/\[unknown\('([a-z-]+)'/g),
    ].flatMap(([, ...found]) => found.filter(Boolean).map(id => ({ id: id!, file })));
  });

test('the sources are searched', () => {
  expect(new Set(ids.map(({ id }) => id)).size).toBeGreaterThan(40);
});

test.each(ids)('$id of $file has a meaning in the catalogue', ({ id }) => {
  expect(meaningOf(id)).toBeTypeOf('string');
});

test('docs/doctor.md is what the catalogue makes of it (node scripts/doctor-page.ts)', () => {
  expect(readFileSync(`${root}/docs/doctor.md`, 'utf8')).toBe(doctorPage());
});
