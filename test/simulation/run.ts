/** `npm run simulate`: simulated years on every core, and what the judge says of them. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { type GateKind, gateKinds } from '../../src/gates/gate.ts';
import { type Way, ways } from './postern.ts';
import { addUp, type ComparisonRow, render, renderComparison } from './report.ts';
import { rivals } from './rivals.ts';
import { listings, replayIncident } from './scenario-2025-08-11.ts';
import type { SimulationOptions, SimulationResult } from './simulate.ts';

const { values } = parseArgs({
  options: {
    years: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'world-years': { type: 'string', default: '2' },
    /** The number of the first world, to go on where an earlier run of the seed ended. */
    from: { type: 'string', default: '0' },
    /** No world is begun after so many minutes. */
    minutes: { type: 'string', default: 'Infinity' },
    workers: { type: 'string', default: String(availableParallelism()) },
    'every-cycle': { type: 'boolean', default: false },
    way: { type: 'string', default: 'daemon' },
    kind: { type: 'string' },
    stormy: { type: 'boolean', default: false },
    rival: { type: 'string' },
    compare: { type: 'boolean', default: false },
    scenario: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});
const way = wayOf(values.way);
const kind = kindOf(values.kind);
const worldYears = Math.min(Number(values['world-years']), Number(values.years));
const worlds = Math.ceil(Number(values.years) / worldYears);

if (values.scenario !== undefined) await replay(values.scenario);
else if (values.compare) await compare();
else await judgeOne();

async function judgeOne(): Promise<void> {
  const startedMs = performance.now();
  console.log(`seed ${values.seed}`);
  const totals = addUp(await runWorlds({ rival: values.rival }));
  const { user, system } = process.cpuUsage();
  console.log(render(totals, { wall: (performance.now() - startedMs) / 1_000, cpu: (user + system) / 1e6 }));
  process.exitCode = totals.failed.length > 0 && values.rival === undefined ? 1 : 0;
}

async function compare(): Promise<void> {
  const rows: ComparisonRow[] = [];
  for (const rival of [undefined, ...rivals]) {
    const results = await runWorlds({ rival: rival?.name, compares: true });
    rows.push({ title: rival?.title ?? '**Postern**', totals: addUp(results) });
  }
  console.log(renderComparison(rows, values.seed));
}

async function replay(name: string): Promise<void> {
  if (name !== '2025-08-11') throw new Error(`no scenario ${name}; known: 2025-08-11`);
  console.log(
    'Minutes in which Atlas was locked out on 2025-08-11, of the 134 in which it used the new addresses\n',
  );
  console.log(`| | listed ${listings.join(' | listed ')} |\n|---|---:|---:|`);
  for (const who of ['postern', ...rivals.map(({ name }) => name)]) {
    const results = [];
    for (const listing of listings) results.push(await replayIncident(who, listing));
    const minutes = results.map(({ lockedOutMinutes }) => lockedOutMinutes.toFixed(1));
    console.log(`| ${results[0]!.who} | ${minutes.join(' | ')} |`);
  }
}

/** One world alone is the seed itself, so that a failing one is run again by its own name. */
async function runWorlds(options: Partial<SimulationOptions>): Promise<readonly SimulationResult[]> {
  const from = Number(values.from);
  const seeds =
    worlds === 1 ? [values.seed] : Array.from({ length: worlds }, (_, n) => `${values.seed}.${from + n}`);
  const results: SimulationResult[] = [];
  const workers = Math.min(Number(values.workers), worlds);
  await Promise.all(Array.from({ length: workers }, () => work(seeds, results, options)));
  const done = results.length;
  if (done < worlds)
    console.log(
      `\nIts time was up after ${done} worlds: go on with --from ${from + done} --years ${(worlds - done) * worldYears}\n`,
    );
  return results;
}

function work(
  seeds: string[],
  results: SimulationResult[],
  options: Partial<SimulationOptions>,
): Promise<void> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url));
  return new Promise((resolve, reject) => {
    const next = () => {
      if (performance.now() > Number(values.minutes) * 60_000) seeds.length = 0;
      const seed = seeds.shift();
      if (seed === undefined) worker.postMessage(undefined);
      else {
        const skips = !values['every-cycle'];
        const isStormy = values.stormy;
        worker.postMessage({
          ...options,
          seed,
          years: worldYears,
          skips,
          way,
          kind,
          isStormy,
          traceLines: 80,
        });
      }
    };
    worker.on('message', (result: SimulationResult) => {
      results.push(result);
      if (options.rival === undefined) tell(result, results.length);
      next();
    });
    worker.on('error', reject);
    worker.on('exit', () => resolve());
    next();
  });
}

function tell(result: SimulationResult, done: number): void {
  const isFailed = result.breaches.length > 0 || result.preventableMs > 0;
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${worlds} worlds `);
  else if (done % 25 === 0) console.error(`${done} of ${worlds} worlds`);
  if (!isFailed && !values.trace) return;
  console.log(`\nSeed ${result.seed}${isFailed ? ': failed' : ''}`);
  for (const breach of result.breaches.slice(0, 5)) console.log(`  ${breach}`);
  console.log(result.trace.map(line => `    ${line}`).join('\n'));
}

function kindOf(name: string | undefined): GateKind | undefined {
  const kind = gateKinds.find(each => each === name);
  if (kind || name === undefined) return kind;
  throw new Error(`no kind ${name}; known: ${gateKinds.join(', ')}`);
}

function wayOf(name: string): Way {
  const way = ways.find(each => each === name);
  if (way) return way;
  throw new Error(`no way ${name}; known: ${ways.join(', ')}`);
}
