/**
 * `npm run faults:kill -- --times 500 --seed 1`: the kill test for as long as one likes. The kinds of gate take turns,
 * site by site from the seed on; `--kind` names one.
 */
import { parseArgs } from 'node:util';
import { gateKinds } from '../../src/gates/gate.ts';
import { withKind } from '../e2e/cloud-sites.ts';
import { makeSite } from '../e2e/site.ts';
import { killAtRandomMoments } from './kill.ts';
import { seeded } from './random.ts';

const { values } = parseArgs({
  options: {
    times: { type: 'string' },
    seed: { type: 'string' },
    sites: { type: 'string' },
    minutes: { type: 'string' },
    kind: { type: 'string' },
  },
});
const times = Number(values.times ?? 100);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
/** Side by side, each with a lab and a journal of its own; site `n` has the seed `seed + n`. */
const sites = Number(values.sites ?? gateKinds.length);
const startedMs = Date.now();
const untilMs = startedMs + Number(values.minutes ?? Number.POSITIVE_INFINITY) * 60_000;
let done = 0;
if (values.kind !== undefined && !gateKinds.some(each => each === values.kind))
  throw new Error(`--kind is one of ${gateKinds.join(', ')}`);
console.log(`${times} kills at ${sites} sites, seed ${seed}`);
const results = await Promise.all(Array.from({ length: sites }, (_, n) => atOneSite(n)));
for (const { endings, ...result } of results) {
  console.log(JSON.stringify({ ...result, endings: Object.fromEntries(endings) }));
}
console.log('Nothing was lost, locked out, or removed early; each next run put everything right.');

async function atOneSite(n: number) {
  const kind = gateKinds.find(each => each === values.kind) ?? gateKinds[(seed + n) % gateKinds.length]!;
  const site = withKind(await makeSite(), kind);
  const share = Math.floor(times / sites) + (n < times % sites ? 1 : 0);
  try {
    const random = seeded(seed + n);
    const result = await killAtRandomMoments(site, { times: share, random, untilMs, onRound: tellProgress });
    return { seed: seed + n, kind, ...result };
  } finally {
    await site.close();
  }
}

function tellProgress(): void {
  done++;
  if (done % 25 !== 0) return;
  console.log(`${done} of ${times}, ${Math.round((Date.now() - startedMs) / 1000)} s`);
}
