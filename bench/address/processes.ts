/** Whole processes, files in and a file out, the same way for both programs. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import type { Operation } from './operations.ts';

/** Files that hold the operands, one for the result, and one for the kernel as a bundled program. */
export interface Files {
  readonly a: string;
  readonly b: string;
  readonly result: string;
  readonly program: string;
}

/** Bundled like Postern itself, which is not run from TypeScript when it is installed. */
export function buildPostern({ program }: Files): void {
  const entry = fileURLToPath(new URL('process.ts', import.meta.url));
  buildSync({ entryPoints: [entry], outfile: program, bundle: true, platform: 'node', format: 'esm' });
}

/** The version, or undefined where there is no such program. */
export function iprangeVersion(): string | undefined {
  const { error, stdout, stderr } = spawnSync('iprange', ['--version'], { encoding: 'utf8' });
  return error ? undefined : /iprange \S+/.exec(stdout + stderr)?.[0];
}

export function runIprange(operation: Operation, { a, b, result }: Files): void {
  const args = { merge: [a], difference: [a, '--except', b], lookup: ['--common', a, b] }[operation];
  spawn('iprange', args, result);
}

export function runPostern(operation: Operation, { a, b, result, program }: Files): void {
  spawn(process.execPath, [program, operation, a, ...(operation === 'merge' ? [] : [b])], result);
}

function spawn(command: string, args: readonly string[], result: string): void {
  const output = openSync(result, 'w');
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', output, 'inherit'] });
  closeSync(output);
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${error ?? `exit code ${status}`}`);
}

/** The lines of a result. iprange leaves out the prefix length of single addresses. */
export function resultLines({ result }: Files): string[] {
  const lines = readFileSync(result, 'latin1').split('\n').slice(0, -1);
  return lines.map(line => (line.includes('/') ? line : `${line}/32`));
}
