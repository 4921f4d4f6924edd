/**
 * What one run over many gates takes, against the lab with latency on every call: whole processes of the built
 * command, their start included. The ideal is the time in which the calls of the busiest service could have been
 * made, with as many under way at once as the transport lets be.
 *
 * Needs the build: `npm run bench:fleet`. Further arguments: the numbers of gates.
 */
import { fork, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { maxRequestsPerHost } from '../../src/transport/index.ts';

const latencyMs = 50;
const aimRatio = 1.1;
const aimPeakMb = 256;
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const counts = process.argv.slice(2).map(Number);
/** The heap that Node.js allows itself in a container of 256 MB; on a large machine it is in no hurry to collect. */
const heapMb = 128;
/** Of which the second is a run that writes nothing any more. */
const runs = [['check'], ['apply', '--yes'], ['apply', '--yes']] as const;

console.log(
  `${latencyMs} ms on every call, at most ${maxRequestsPerHost} at once to one host, Node.js ${process.version}, a heap of ${heapMb} MB. Aims: ${aimRatio} times the ideal, ${aimPeakMb} MB.\n`,
);
console.log(
  '| gates | command | calls | calls per gate | ideal s | wall s | × ideal | CPU ms per gate | peak MB |',
);
console.log('|--:|---|--:|--:|--:|--:|--:|--:|--:|');
for (const count of counts.length > 0 ? counts : [1, 100, 1_000]) await measureFleet(count);

async function measureFleet(gates: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-fleet-'));
  const lab = fork(here('./lab.ts'), [folder, String(gates), String(latencyMs)]);
  const answer = <T>() => new Promise<T>(resolve => lab.once('message', message => resolve(message as T)));
  try {
    const secrets = await answer<NodeJS.ProcessEnv>();
    for (const args of runs) {
      const { wallMs, cpuMs, peakMb } = await measure(folder, args, secrets);
      lab.send('requests');
      const byService = await answer<Record<string, number>>();
      const calls = Object.values(byService).reduce((sum, each) => sum + each, 0);
      const idealMs =
        (Math.max(...Object.values(byService)) * latencyMs) / Math.min(maxRequestsPerHost, gates);
      console.log(
        `| ${[
          gates,
          args[0],
          calls,
          (calls / gates).toFixed(1),
          (idealMs / 1_000).toFixed(2),
          (wallMs / 1_000).toFixed(2),
          (wallMs / idealMs).toFixed(2),
          (cpuMs / gates).toFixed(1),
          peakMb.toFixed(0),
        ].join(' | ')} |`,
      );
    }
  } finally {
    lab.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(folder: string, args: readonly string[], secrets: NodeJS.ProcessEnv) {
  const file = join(folder, 'usage.json');
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    NODE_EXTRA_CA_CERTS: join(folder, 'lab-ca.pem'),
    BENCH_FILE: file,
    NODE_OPTIONS: `--max-old-space-size=${heapMb}`,
    ...secrets,
  };
  const postern = here('../../dist/postern.js');
  const startedMs = performance.now();
  const child = spawn(
    process.execPath,
    ['--import', here('./measure.ts'), postern, ...args, '--quiet', '--json'],
    { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let stderr = '';
  child.stderr.on('data', chunk => {
    stderr += chunk;
  });
  const code = await new Promise<number | null>(resolve => child.once('close', resolve));
  const wallMs = performance.now() - startedMs;
  // 2: addresses are not let in, which is so before the first apply.
  if (code !== 0 && code !== 2)
    throw new Error(`postern ${args.join(' ')} ended with ${code}: ${stderr.slice(0, 2_000)}`);
  return { wallMs, ...(JSON.parse(readFileSync(file, 'utf8')) as { cpuMs: number; peakMb: number }) };
}
