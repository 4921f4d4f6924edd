/**
 * How long a whole process of the command line takes, beside `node -e 0`, which is the least that any Node.js
 * program takes. The commands take turns, so that a busy moment of the machine meets all of them.
 *
 * Needs the build: `npm run bench:cli`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const rounds = Number(process.argv[2] ?? 40);
const warmUpRounds = 3;
const limitRatio = 1.5;
const postern = fileURLToPath(new URL('../../dist/postern.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));

/** `limited`: held to `limitRatio`. */
const subjects = [
  { name: 'node -e 0', args: ['-e', '0'], exit: 0, limited: false },
  { name: 'postern --version', args: [postern, '--version'], exit: 0, limited: true },
  { name: 'postern --help', args: [postern, '--help'], exit: 0, limited: true },
  { name: 'postern', args: [postern], exit: 0, limited: true },
  { name: 'postern plan --help', args: [postern, 'plan', '--help'], exit: 0, limited: false },
  { name: 'postern history', args: [postern, 'history', '--quiet'], exit: 0, limited: false },
] as const;

// Its own home: the cache of compiled code begins empty, and is warm after the first round.
const env = { ...process.env, HOME: folder, XDG_CACHE_HOME: '', XDG_STATE_HOME: '', POSTERN_STATE: '' };
const timesMs = subjects.map((): number[] => []);
for (let round = -warmUpRounds; round < rounds; round++) {
  for (const [index, { name, args, exit }] of subjects.entries()) {
    const startedMs = performance.now();
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, env });
    const tookMs = performance.now() - startedMs;
    if (status !== exit) throw new Error(`${name} ended with ${status}, not ${exit}: ${stderr}`);
    if (round >= 0) timesMs[index]!.push(tookMs);
  }
}
rmSync(folder, { recursive: true });

const baselineMs = median(timesMs[0]!);
console.log(`Whole processes, ${rounds} rounds, Node.js ${process.version}, medians:`);
for (const [index, { name, limited }] of subjects.entries()) {
  const medianMs = median(timesMs[index]!);
  const ratio = medianMs / baselineMs;
  const verdict = limited ? (ratio <= limitRatio ? `  ≤ ${limitRatio}` : `  MORE THAN ${limitRatio}`) : '';
  console.log(
    `  ${name.padEnd(22)} ${medianMs.toFixed(1).padStart(7)} ms  ${ratio.toFixed(2).padStart(5)} ×${verdict}`,
  );
  if (limited && ratio > limitRatio) process.exitCode = 1;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
