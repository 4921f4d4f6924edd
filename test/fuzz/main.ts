/** `npm run fuzz -- --minutes 10 --seed 1`: each parser in turn, until the time is over or one gives way. */
import { parseArgs } from 'node:util';
import { attack } from './attack.ts';
import { targets } from './targets.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } });
const untilMs = Date.now() + Number(values.minutes ?? 5) * 60_000;
let seed = Number(values.seed ?? Date.now() % 1_000_000);
const runs = 2_000;
let rounds = 0;
do {
  for (const target of targets) {
    const forMs = untilMs - Date.now();
    if (forMs <= 0) break;
    try {
      await attack(target, { seed, runs, forMs });
    } catch (error) {
      console.log(`${target.name}, seed ${seed}:`);
      throw error;
    }
  }
  console.log(`seed ${seed}: ${targets.length} parsers, up to ${runs} documents each`);
  rounds++;
  seed++;
} while (Date.now() < untilMs);
console.log(`${rounds} rounds, and no parser gave way`);
