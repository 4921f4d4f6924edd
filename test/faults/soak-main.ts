/** `npm run soak -- --minutes 30 --gates 1000`: prints memory over time, and whether it grows. */
import { parseArgs } from 'node:util';
import { makeSite } from '../e2e/site.ts';
import { type SoakSample, soak } from './soak.ts';
import { lowest, trendOf } from './trend.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, gates: { type: 'string' }, every: { type: 'string' } },
});
const forMs = Number(values.minutes ?? 30) * 60_000;
const gates = Number(values.gates ?? 1_000);
const everySeconds = Number(values.every ?? 60);
const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
let last: SoakSample | undefined;

console.log(`${gates} gates for ${forMs / 60_000} min, each feed and gate every ${everySeconds} s`);
const site = await makeSite();
const onSample = (sample: SoakSample) => {
  const seconds = (sample.atMs - (last?.atMs ?? 0)) / 1000;
  const cpu = ((sample.cpuSeconds - (last?.cpuSeconds ?? 0)) / seconds) * 100;
  const requests = (sample.requests - (last?.requests ?? 0)) / seconds;
  console.log(
    `${(sample.atMs / 1000).toFixed(0).padStart(5)} s  rss ${mib(sample.rssBytes)} MiB  heap ${mib(sample.heapBytes)} MiB  cpu ${cpu.toFixed(0)} %  ${requests.toFixed(1)} requests/s  ${sample.runs} runs  ${sample.lockedOutGates} not yet in step`,
  );
  last = sample;
};
const { samples, inStepAfterMs, changeTookMs, exitCode, faults } = await soak(site, {
  gates,
  forMs,
  everySeconds,
  sampleEveryMs: Math.max(1_000, forMs / 240),
  onSample,
});
await site.close();
// The first fifth is warm-up: code is compiled, every list is written, caches fill.
const warm = samples.filter(({ atMs }) => atMs > Math.max(forMs / 5, inStepAfterMs ?? forMs));
const [first, end] = [warm[0], warm.at(-1)];
console.log(
  `in step after ${inStepAfterMs} ms; a change was in every list after ${changeTookMs} ms; exit ${exitCode}; ${faults.length} faults`,
);
for (const line of faults.slice(0, 5)) console.log(line);
if (!first || !end || warm.length < 15) {
  console.log('too few samples after warm-up for a verdict');
  process.exitCode = 1;
} else {
  const runs = end.runs - first.runs;
  const per = (value: number) => (value / Math.max(1, runs)).toFixed(2);
  console.log(
    `${per(end.requests - first.requests)} requests and ${per((end.cpuSeconds - first.cpuSeconds) * 1000)} ms of CPU a gate's run; ${runs} runs in ${((end.atMs - first.atMs) / 1000).toFixed(0)} s`,
  );
  for (const [name, of] of [
    ['rss', 'rssBytes'],
    ['heap', 'heapBytes'],
  ] as const) {
    const points = lowest(
      warm.map(sample => ({ atMs: sample.atMs, value: sample[of] })),
      5,
    );
    const { perHour, level, verdict } = trendOf(points);
    console.log(
      `${name}: ${verdict}, ${mib(level)} MiB, ${mib(perHour)} MiB an hour over ${points.length} points`,
    );
    if (verdict === 'growing') process.exitCode = 1;
  }
}
if (exitCode !== 0) process.exitCode = 1;
