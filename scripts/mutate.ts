/**
 * Takes out each guard of Postern once and sees whether a test notices: `npm run mutate [-- parts of names …]`.
 * It works in a copy of the tree, one mutation at a time, and runs only the tests that are to notice it.
 *
 * Exit code 0: every mutation was noticed. 1: some were not, and are named. 2: it could not be told, because the
 * tests fail as they are, or a guard's text has changed and `mutations.ts` has not.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Mutation, mutations } from './mutations.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const copied = ['src', 'test', 'schema', 'docs', 'package.json', 'tsconfig.json', 'vitest.config.ts'];
/** A test that is slow on a busy machine has noticed nothing. */
const testTimeoutMs = 4 * 60_000;
const maxRunMs = 2 * testTimeoutMs;

type Verdict = 'noticed' | 'survived' | 'broken';

const parts = process.argv.slice(2);
const chosen = mutations.filter(({ name }) => parts.length === 0 || parts.some(part => name.includes(part)));
process.exitCode = run(chosen);

function run(chosen: readonly Mutation[]): number {
  const stale = mutations.map(textFault).filter(fault => fault !== undefined);
  const names = mutations.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) stale.push(`two mutations are called ${twice}.`);
  if (stale.length > 0 || chosen.length === 0) {
    console.error(
      stale.length > 0 ? stale.join('\n') : `No mutation's name has any of these in it: ${parts.join(', ')}.`,
    );
    return 2;
  }
  const copy = makeCopy();
  try {
    const tests = [...new Set(chosen.flatMap(({ tests }) => tests))];
    for (const test of tests) {
      const verdict = runTest(copy, test);
      console.log(`as it is: ${verdict === 'survived' ? 'passes ' : 'FAILS  '} ${test}`);
      if (verdict === 'survived') continue;
      console.error(`${test} fails without any mutation; mend that first.`);
      return 2;
    }
    return report(chosen.map((mutation, index) => [mutation, tryOut(copy, mutation, index, chosen.length)]));
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Why a mutation cannot be made; undefined when it can. */
function textFault({ name, file, find }: Mutation): string | undefined {
  const count = readFileSync(join(root, file), 'utf8').split(find).length - 1;
  if (count === 1) return undefined;
  return `${name}: its text stands ${count} times in ${file}, and must once. Write scripts/mutations.ts anew:\n  ${find}`;
}

function makeCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), 'postern-mutate-'));
  for (const name of copied) cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

function tryOut(
  copy: string,
  { name, file, find, replace, tests }: Mutation,
  index: number,
  count: number,
): Verdict {
  const path = join(copy, file);
  const sound = readFileSync(path, 'utf8');
  writeFileSync(
    path,
    sound.replace(find, () => replace),
  );
  try {
    const verdict = runTests(copy, tests);
    console.log(`${String(index + 1).padStart(3)}/${count} ${verdict.padEnd(8)} ${name}`);
    return verdict;
  } finally {
    writeFileSync(path, sound);
  }
}

/** One file after another, until one notices: the quick ones stand first. */
function runTests(copy: string, tests: readonly string[]): Verdict {
  for (const test of tests) {
    const verdict = runTest(copy, test);
    if (verdict !== 'survived') return verdict;
  }
  return 'survived';
}

/** `broken`: not a test failed, but the file itself, which proves nothing. */
function runTest(copy: string, test: string): Verdict {
  const json = join(copy, 'result.json');
  rmSync(json, { force: true });
  const args = [
    'run',
    '--bail=1',
    '--reporter=json',
    `--outputFile=${json}`,
    `--testTimeout=${testTimeoutMs}`,
    test,
  ];
  const { status } = spawnSync(join(root, 'node_modules', '.bin', 'vitest'), args, {
    cwd: copy,
    stdio: 'ignore',
    timeout: maxRunMs,
  });
  if (status === 0) return 'survived';
  try {
    return JSON.parse(readFileSync(json, 'utf8')).numFailedTests > 0 ? 'noticed' : 'broken';
  } catch {
    // It ended without a word, or never ended: a loop without its guard, say.
    return status === null ? 'noticed' : 'broken';
  }
}

function report(results: readonly (readonly [Mutation, Verdict])[]): number {
  const named = (verdict: Verdict) => results.filter(([, is]) => is === verdict).map(([{ name }]) => name);
  const [survived, broken] = [named('survived'), named('broken')];
  console.log(`${named('noticed').length} of ${results.length} mutations were noticed.`);
  for (const name of survived) console.error(`No test noticed: ${name}`);
  for (const name of broken) console.error(`The mutated file does not load: ${name}`);
  if (broken.length > 0) return 2;
  return survived.length > 0 ? 1 : 0;
}
