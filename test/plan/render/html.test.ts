import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderPlan } from '../../../src/plan/render/index.ts';
import { busy, calm, foreign, hostile, kept, observed, opened, options } from './examples.ts';
import { anyText, attacks } from './hostile-text.ts';

const page = (plans: Parameters<typeof renderPlan>[0], verbose = false) =>
  renderPlan(plans, 'html', { ...options, verbose });

describe('what a person reads', () => {
  test('verdict, alarms, guards and findings before the entries', () => {
    const html = page([observed]);
    const places = [
      '<h2>vault</h2>',
      '12 addresses to let in; nothing is written (guard policy)',
      '12 wanted addresses are not in the gate&#39;s list',
      'guard <code>policy</code> stops every write',
      'Set <code>--default-action Deny</code> once',
      '<summary><span class="sign">+</span> 12 entries to let in</summary>',
      'outbound.gcp is empty.',
      '<strong>Next:</strong> do what the guards ask',
    ].map(each => html.indexOf(each));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  test('every entry is there; those that stay are folded away unless verbose', () => {
    for (const cidr of [...opened, ...kept, foreign]) expect(page([busy])).toContain(`<li>${cidr}</li>`);
    expect(page([busy])).toContain('<details class="entries open" open>');
    expect(page([busy])).toContain('<details class="entries keep">');
    expect(page([busy], true)).toContain('<details class="entries keep" open>');
  });

  test('no plan, and a plan without entries', () => {
    expect(page([])).toContain('No gate, so no plan.');
    expect(page([{ ...calm, entries: [], feeds: [] }])).toContain('nothing to change');
  });
});

test('nothing is loaded and nothing runs', () => {
  const html = page([busy, observed], true);
  expect(html).not.toMatch(/<script|<link|<img|<iframe|\ssrc=|\shref=|url\(|@import|\son\w+=/i);
  expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
});

const tagsOf = (html: string) => html.match(/<[^>]*>?/g)?.filter(tag => !/^<\/?code>$/.test(tag));

describe('hostile names change no structure', () => {
  const plain = tagsOf(page([hostile('plain')], true));

  test.each(attacks)('%s', (_what, text) => {
    expect(tagsOf(page([hostile(text)], true))).toEqual(plain);
  });

  test('whatever the text', () => {
    fc.assert(
      fc.property(anyText, text => {
        const html = page([hostile(text)], true);
        expect(tagsOf(html)).toEqual(plain);
        expect(html).not.toMatch(/[^\P{Cc}\n]/u);
      }),
    );
  });

  test('and are shown as they are', () => {
    expect(page([hostile('<script>"x"</script>')])).toContain(
      '<h2>&lt;script&gt;&quot;x&quot;&lt;/script&gt;</h2>',
    );
  });
});
