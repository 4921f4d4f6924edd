import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Plan } from '../../../src/plan/plan.ts';
import { renderPlan } from '../../../src/plan/render/index.ts';
import { columnsOf, wrap } from '../../../src/plan/render/wrap.ts';
import { anyPlans } from './arbitrary-plan.ts';
import { busy, calm, foreign, hostile, kept, observed, options } from './examples.ts';

const text = (plans: readonly Plan[], more: Partial<typeof options> = {}) =>
  renderPlan(plans, 'text', { ...options, ...more });
const wide = { width: Number.POSITIVE_INFINITY };

describe('what a person reads', () => {
  test('the verdict is the first line', () => {
    expect(text([busy]).split('\n')[0]).toBe(
      'prod-vault  azure-key-vault  sync: 12 addresses to let in, 1 to remove, 1 retained',
    );
  });

  test('entries of the same reason are one line, with a few of them', () => {
    expect(text([busy])).toContain(
      '  + 12 addresses  control-plane aws us-east-1\n      52.70.2.1/32, 52.70.2.2/32, 52.70.2.3/32, 52.70.2.4/32 and 8 more\n',
    );
  });

  test('a retained entry has its countdown and its reason', () => {
    expect(text([busy])).toContain(
      '~ 3.92.113.229/32  in grace, closes in 5d 3h, was wanted by control-plane\n',
    );
  });

  test('what a guard holds back says that its grace period is over', () => {
    const late = { ...options, nowMs: options.nowMs + 6 * 86_400_000 };
    expect(renderPlan([busy], 'text', late)).toContain('its grace period ended 21h ago');
  });

  test('what stays is a count, and a list when verbose', () => {
    expect(text([busy])).toMatch(/= 40 entries kept\n {2}\. 1 entry left alone, not Postern's\n/);
    expect(text([busy])).not.toContain(foreign);
    const verbose = text([busy], { verbose: true });
    for (const { cidr } of busy.entries) expect(verbose).toContain(cidr);
  });

  test('hundreds of kept entries do not lengthen it', () => {
    expect(text([busy]).split('\n').length).toBeLessThan(20);
    expect(text([busy], { verbose: true }).split('\n').length).toBeGreaterThan(kept.length);
  });

  test('guards and errors come before entries, with what to do', () => {
    const lines = text([observed], wide);
    const places = [
      'guard  policy stops every write',
      'do: Set `policy: add-only`',
      'error  default-action-allow',
      'do: Set `--default-action Deny`',
      '+ 12 addresses',
      'feeds   control-plane  incomplete, 52 addresses',
      'outbound.gcp is empty.',
    ].map(each => lines.indexOf(each));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  test('feeds, writes, usage and a short checksum', () => {
    const lines = text([busy]);
    expect(lines).toContain('control-plane  complete, 52 addresses, read 2026-08-11T14:02:00Z (3m ago)');
    expect(lines).toContain('add: 12 in; from 43 to 55 entries, 55 of 1000 entries');
    expect(lines).toContain('remove: 1 out; from 55 to 54 entries, 54 of 1000 entries');
    expect(lines).toContain('54 of 1000 entries after this plan, 43 now');
    expect(lines).toContain(`plan    ${busy.checksum.slice(0, 12)}, made`);
    expect(lines).not.toContain(busy.checksum);
  });

  test('many findings of one kind show a few and a count', () => {
    const findings = Array.from({ length: 9 }, (_, number) => ({
      id: 'never-written',
      severity: 'error' as const,
      message: `Message ${number}.`,
    }));
    expect(text([{ ...calm, findings }])).toMatch(/Message 2\.\n {4}and 6 more like it\n/);
    expect(text([{ ...calm, findings }], { verbose: true })).toContain('Message 8.');
  });
});

describe('plurals', () => {
  const one = (more: Partial<Plan>): Plan => ({ ...calm, ...more });
  const entry = busy.entries.find(({ action }) => action === 'open')!;
  test.each<[plan: Plan, says: string]>([
    [one({}), ': nothing to change\n'],
    [one({ entries: [entry] }), ': 1 address to let in\n'],
    [one({ entries: [entry, { ...entry, action: 'close' }] }), ': 1 address to let in, 1 to remove\n'],
    [one({ entries: [{ ...entry, action: 'close' }] }), ': 1 address to remove\n'],
    [one({ entries: [{ ...entry, action: 'retain' }] }), ': nothing to change, 1 address retained\n'],
    [one({ adopts: kept.slice(0, 2) }), ': 2 addresses to adopt\n'],
    [one({ missing: [entry.cidr] }), '! 1 wanted address is not let in now: 52.70.2.1/32.\n'],
    [one({ entries: [{ ...entry, action: 'keep' }] }), '= 1 entry kept\n'],
  ])('%#', (plan, says) => {
    expect(text([plan])).toContain(says);
  });
});

describe('the last line says which command comes next', () => {
  test.each<[what: string, plans: readonly Plan[], says: RegExp]>([
    ['no gate', [], /^Next: `postern init`/],
    ['changes', [calm, busy], /^Next: `postern apply`, or `postern plan --out FILE`/],
    ['only what a guard stops', [observed], /^Next: do what the guards ask, then `postern plan`\.$/],
    ['some stopped', [busy, observed], /What a guard stopped stays as it is\.$/],
    ['adoption', [{ ...calm, adopts: kept }], /^Next: `postern apply`/],
    ['adoption on observe', [{ ...calm, adopts: kept, policy: 'observe' }], /^Next: nothing to apply/],
    ['nothing', [calm], /^Next: nothing to apply\./],
    ['a gate not in force', [{ ...calm, gate: { ...calm.gate, lets: 'nobody' } }], /^Next: `postern doctor`/],
  ])('%s', (_what, plans, says) => {
    expect(text(plans, wide).trimEnd().split('\n').at(-1)).toMatch(says);
  });
});

describe('width and colour', () => {
  test('no line is wider than asked, and without colour there is no escape code', () => {
    fc.assert(
      fc.property(anyPlans, fc.integer({ min: 10, max: 160 }), fc.boolean(), (plans, width, verbose) => {
        const output = text(plans, { width, verbose });
        for (const line of output.split('\n')) expect(columnsOf(line)).toBeLessThanOrEqual(width);
        expect(output).not.toMatch(/[^\P{Cc}\n]/u);
      }),
    );
  });

  test('colour changes nothing but colour', () => {
    fc.assert(
      fc.property(anyPlans, fc.integer({ min: 10, max: 160 }), (plans, width) => {
        const colored = text(plans, { width, color: true });
        expect(stripVTControlCharacters(colored).replaceAll(/ +$/gm, '')).toBe(text(plans, { width }));
      }),
    );
    expect(text([busy], { color: true })).toContain('\u001b[32m+ \u001b[39m');
    expect(text([busy], { color: true })).toContain('\u001b[31m- \u001b[39m');
    expect(text([busy], { color: true })).toContain('\u001b[33m~ \u001b[39m');
  });

  test.each([0, -5, Number.NaN])('width %s is taken as the narrowest', width => {
    expect(text([busy], { width })).toBe(text([busy], { width: 10 }));
  });

  test('wrapping loses nothing but the spaces where it breaks', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), fc.integer({ min: 2, max: 40 }), (words, width) => {
        expect(wrap(words, width).join('').replaceAll(' ', '')).toBe(words.replaceAll(' ', ''));
      }),
    );
  });
});

describe('hostile names', () => {
  test.each([
    ['colour', '\u001b[31mred\u001b[0m', '\\u{1b}[31mred'],
    ['clear screen in one byte', '\u009b2J', '\\u{9b}2J'],
    ['newline', 'a\nprod-vault  sync: nothing to change', 'a\\nprod-vault'],
    ['carriage return', 'bad\rgood', 'bad\\rgood'],
    ['right to left', 'a\u202eb', 'a\\u{202e}b'],
    ['line separator', 'a\u2028b', 'a\\u{2028}b'],
    ['link', '\u001b]8;;https://x.example\u0007y', '\\u{1b}]8;;'],
  ])('%s', (_what, name, shown) => {
    for (const color of [false, true]) {
      const output = text([hostile(name)], { ...wide, verbose: true, color });
      expect(output).toContain(shown);
      expect(output.replaceAll(/\p{Cc}\[(?:1|2|22|3[1-6]|39)m/gu, color ? '' : '$&')).not.toMatch(
        /(?!\n)[\p{Cc}\p{Cf}\p{Zl}]/u,
      );
      expect(output).not.toContain(name);
    }
  });
});
