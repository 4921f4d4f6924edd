import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderPlan } from '../../../src/plan/render/index.ts';
import { code, prose } from '../../../src/plan/render/markdown-escape.ts';
import { busy, calm, foreign, hostile, kept, observed, opened, options } from './examples.ts';
import { anyText, attacks } from './hostile-text.ts';

const markdown = (plans: Parameters<typeof renderPlan>[0], verbose = false) =>
  renderPlan(plans, 'markdown', { ...options, verbose });

describe('what a reviewer reads', () => {
  test('a summary with one row for each gate', () => {
    expect(markdown([busy, calm])).toContain(
      '| <code>prod-vault</code> | <code>sync</code> | **12** | 12 | 1 | 1 | 54 of 1000 entries |\n| <code>vault</code> | <code>sync</code> | 0 | 0 | 0 | 0 | 40 of 1000 entries |\n',
    );
  });

  test('every address that changes, and a count of those that stay', () => {
    const page = markdown([busy]);
    for (const cidr of opened) expect(page).toContain(`<code>${cidr}</code>`);
    expect(page).toContain('40 entries kept');
    expect(page).not.toContain(kept[20]);
    expect(page).not.toContain(foreign);
    expect(markdown([busy], true)).toContain(`<code>${kept[20]}</code>`);
    expect(markdown([busy], true)).toContain(`<code>${foreign}</code>`);
  });

  test('guards and findings with what to do, before the entries', () => {
    const page = markdown([observed]);
    const places = [
      '> **Attention:** The gate lets in everyone',
      '- **guard** <code>policy</code> stops every write',
      '*Do:* Set <code>policy: add-only</code> or <code>policy: sync</code>',
      '- **error** <code>default-action-allow</code>',
      '<details><summary><code>&#43;</code> 12 entries to let in</summary>\n\n|',
    ].map(each => page.indexOf(each));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  test('no gate', () => {
    expect(markdown([])).toContain('No gate, so no plan.');
  });
});

/** What GitHub takes for structure: lines, their starts, cells, and tags; code spans may be anywhere. */
const skeletonOf = (page: string) =>
  page.split('\n').map(line => ({
    start: /^[#>|-]*/.exec(line)?.[0],
    pipes: line.replaceAll(/[^|]/g, ''),
    tags: line.match(/<[^>]*>?/g)?.filter(tag => !/^<\/?code>$/.test(tag)) ?? [],
  }));

describe('hostile names change no structure', () => {
  const plain = skeletonOf(markdown([hostile('plain')], true));

  test.each(attacks)('%s', (_what, text) => {
    expect(skeletonOf(markdown([hostile(text)], true))).toEqual(plain);
  });

  test('whatever the text', () => {
    fc.assert(
      fc.property(anyText, text => {
        expect(skeletonOf(markdown([hostile(text)], true))).toEqual(plain);
      }),
    );
  });

  test('nothing that Markdown acts on is left in a sentence, nor in code', () => {
    fc.assert(
      fc.property(anyText, text => {
        const left = (markup: string) => markup.replaceAll(/<\/?code>|&#\d+;/g, '');
        expect(left(prose(text))).not.toMatch(/[<>&|\\*_[\](){}~!$`"\n]/);
        expect(left(code(text))).not.toMatch(/[^A-Za-z0-9 :/.-]/);
      }),
    );
  });

  test.each([
    ['@team', '@&#8203;team'],
    ['see #12', 'see #&#8203;12'],
    ['`a|b` and c|d', '<code>a&#124;b</code> and c&#124;d'],
    ['one ` alone', 'one &#96; alone'],
  ])('%s', (text, shown) => {
    expect(prose(text)).toBe(shown);
  });
});
