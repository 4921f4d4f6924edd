/** `npm run simulate`: simulated years on every core, and what the judge says of them. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { addUp, render, type Totals } from './report.ts';
import type { SimulationResult } from './simulate.ts';

const { values } = parseArgs({
  options: {
    years: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'world-years': { type: 'string', default: '2' },
    workers: { type: 'string', default: String(availableParallelism()) },
    'every-cycle': { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
  },
});
const worldYears = Math.min(Number(values['world-years']), Number(values.years));
const worlds = Math.ceil(Number(values.years) / worldYears);
// One world alone is the seed itself, so that a failing one is run again by its own name.
const seeds = worlds === 1 ? [values.seed] : Array.from({ length: worlds }, (_, n) => `${values.seed}.${n}`);

const startedMs = performance.now();
const results: SimulationResult[] = [];
await Promise.all(Array.from({ length: Math.min(Number(values.workers), worlds) }, work));
const totals: Totals = addUp(results);
console.log(render(totals, (performance.now() - startedMs) / 1_000));
process.exitCode = totals.failed.length > 0 ? 1 : 0;

function work(): Promise<void> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url));
  return new Promise((resolve, reject) => {
    const next = () => {
      const seed = seeds.shift();
      if (seed === undefined) worker.postMessage(undefined);
      else worker.postMessage({ seed, years: worldYears, skips: !values['every-cycle'], traceLines: 80 });
    };
    worker.on('message', (result: SimulationResult) => {
      results.push(result);
      tell(result);
      next();
    });
    worker.on('error', reject);
    worker.on('exit', () => resolve());
    next();
  });
}

function tell(result: SimulationResult): void {
  const isFailed = result.breaches.length > 0 || result.preventableMs > 0;
  if (process.stderr.isTTY) process.stderr.write(`\r${results.length} of ${worlds} worlds `);
  if (!isFailed && !values.trace) return;
  console.log(`\nSeed ${result.seed}${isFailed ? ': failed' : ''}`);
  for (const breach of result.breaches.slice(0, 5)) console.log(`  ${breach}`);
  console.log(result.trace.map(line => `    ${line}`).join('\n'));
}
