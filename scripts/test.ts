/**
 * What `npm test` runs: types, lint, build, tests. Everything is run even after a failure, so that one run
 * tells all. Its last line is `N passed, N failed`; types, lint and build count as one each.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What is read of Vitest's JSON report. */
interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

const root = fileURLToPath(new URL('..', import.meta.url));
const binaries = join(root, 'node_modules', '.bin');

const counts: readonly Count[] = [
  check('types', 'tsc', ['--noEmit']),
  check('lint', 'biome', ['check', '.']),
  check('build', process.execPath, ['scripts/build.ts']),
  tests(),
];
const sum = (key: keyof Count) => counts.reduce((total, count) => total + count[key], 0);
const skipped = sum('skipped');
process.exitCode = sum('failed') > 0 ? 1 : 0;
console.log(`${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);

function check(title: string, command: string, args: readonly string[]): Count {
  const succeeded = run(title, command, args);
  return { passed: succeeded ? 1 : 0, failed: succeeded ? 0 : 1, skipped: 0 };
}

function tests(): Count {
  const folder = mkdtempSync(join(tmpdir(), 'postern-test-'));
  const file = join(folder, 'report.json');
  try {
    // The build is made above: the tests of the command line use it as it is.
    const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const succeeded = run('tests', 'vitest', args, { POSTERN_TEST_BUILT: '1' });
    return countTests(file, succeeded);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function countTests(file: string, succeeded: boolean): Count {
  let report: VitestReport;
  try {
    report = JSON.parse(readFileSync(file, 'utf8')) as VitestReport;
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  // A file that cannot be loaded fails without any test of its own.
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  ).length;
  const failed = report.numFailedTests + broken;
  return {
    passed: report.numPassedTests,
    // An error outside of the tests, such as a rejection that nobody handled, fails the run all the same.
    failed: failed === 0 && !succeeded ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function run(title: string, command: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): boolean {
  console.log(`\n── ${title}`);
  const env = { ...process.env, ...more, PATH: `${binaries}${delimiter}${process.env.PATH}` };
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: 'inherit' });
  if (error) console.log(error.message);
  return status === 0;
}
