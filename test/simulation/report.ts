/** The results of many worlds as one, in words. */
import type { SimulationResult } from './simulate.ts';

export interface Totals {
  readonly years: number;
  readonly worlds: number;
  readonly gateYears: number;
  /** By kind of gate. */
  readonly kindYears: ReadonlyMap<string, number>;
  readonly sums: Readonly<Record<SummedField, number>>;
  readonly cycles: number;
  readonly skipped: number;
  readonly kills: number;
  readonly commands: number;
  readonly failed: readonly string[];
  readonly breaches: number;
}

const summed = [
  'lockedOutMs',
  'preventableMs',
  'unlistedMs',
  'exposedMs',
  'heldMs',
  'lockOuts',
  'orphans',
  'racesLost',
  'writes',
  'foreignLost',
  'events',
  'requests',
  'faults',
] as const;
type SummedField = (typeof summed)[number];

export function addUp(results: readonly SimulationResult[]): Totals {
  const sum = (of: (result: SimulationResult) => number) =>
    results.reduce((total, each) => total + of(each), 0);
  const kindYears = new Map<string, number>();
  for (const { kinds, years } of results)
    for (const kind of kinds) kindYears.set(kind, (kindYears.get(kind) ?? 0) + years);
  return {
    kindYears,
    years: sum(({ years }) => years),
    worlds: results.length,
    gateYears: sum(({ years, gates }) => years * gates),
    sums: Object.fromEntries(summed.map(field => [field, sum(each => each[field])])) as Totals['sums'],
    cycles: sum(({ daemon }) => daemon.cycles),
    skipped: sum(({ daemon }) => daemon.skipped),
    kills: sum(({ daemon }) => daemon.kills),
    commands: sum(({ daemon }) => daemon.commands),
    breaches: sum(({ breaches }) => breaches.length),
    failed: results
      .filter(({ breaches, preventableMs }) => breaches.length > 0 || preventableMs > 0)
      .map(({ seed }) => seed),
  };
}

export function render(totals: Totals, seconds: { readonly wall: number; readonly cpu: number }): string {
  const { sums } = totals;
  const rows: readonly (readonly [string, string])[] = [
    [
      'simulated',
      `${round(totals.years)} years, ${totals.worlds} worlds, ${round(totals.gateYears)} gate-years`,
    ],
    ['gate-years', [...totals.kindYears].map(([kind, years]) => `${kind} ${round(years)}`).join(', ')],
    [
      'runs of Postern',
      `${count(totals.cycles)}, and ${count(totals.skipped)} left out that could change nothing`,
    ],
    ['requests', count(sums.requests)],
    ['faults injected', count(sums.faults)],
    [
      'kills',
      `${count(totals.kills)}; commands of the operator's beside the daemon: ${count(totals.commands)}`,
    ],
    ['writes', count(sums.writes)],
    ['breaches', count(totals.breaches)],
    ['preventable lock-out', `${count(sums.preventableMs / 1_000)} s`],
    [
      'other lock-out',
      `${hours(sums.lockedOutMs - sums.preventableMs)} h in ${count(sums.lockOuts)} lock-outs, ${hours(sums.unlistedMs)} h of it unlisted`,
    ],
    ['exposure', `${hours(sums.exposedMs)} entry-hours; held back by design: ${hours(sums.heldMs)}`],
    ['journal lost', `${count(sums.orphans)} entries orphaned`],
    ['lost to others in a race', count(sums.racesLost)],
    [
      'speed',
      `${round(seconds.wall)} s, ${round(seconds.cpu)} s of processor time: ${round((totals.years / seconds.cpu) * 60)} years a core and minute`,
    ],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  if (totals.failed.length > 0) lines.push('', `failed seeds: ${totals.failed.join(' ')}`);
  return lines.join('\n');
}

export interface ComparisonRow {
  readonly title: string;
  readonly totals: Totals;
}

/** A table in Markdown; each figure is for one gate and one year. */
export function renderComparison(rows: readonly ComparisonRow[], seed: string): string {
  const [first] = rows;
  const perYear = ({ gateYears }: Totals, value: number) => (value / gateYears).toFixed(2);
  const lines = rows.map(({ title, totals }) => {
    const { lockedOutMs, unlistedMs, preventableMs, exposedMs, heldMs, foreignLost } = totals.sums;
    const figures = [
      perYear(totals, (lockedOutMs - unlistedMs) / 3_600_000),
      perYear(totals, preventableMs / 3_600_000),
      perYear(totals, (exposedMs + heldMs) / 86_400_000),
      perYear(totals, foreignLost),
      String(totals.breaches),
    ];
    return `| ${title} | ${figures.join(' | ')} |`;
  });
  return [
    `${round(first!.totals.years)} simulated years, seed ${seed}; figures for one gate and one year`,
    '',
    '| | locked out, h | preventable, h | stale entries, days | entries of others lost | lists emptied or opened, in all |',
    '|---|---:|---:|---:|---:|---:|',
    ...lines,
  ].join('\n');
}

const count = (value: number) => Math.round(value).toLocaleString('en');
const hours = (ms: number) => count(ms / 3_600_000);
const round = (value: number) => String(Math.round(value * 10) / 10);
