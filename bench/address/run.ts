/**
 * Compares the address kernel with cidr-tools and, where it is installed, with iprange (C):
 * `node bench/address/run.ts`. README.md beside this file says what is inside of each timing.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { AddressSet } from '../../src/address/index.ts';
import { byteCount, heldBytes } from './memory.ts';
import { byCidrTools, byPostern, linesOf, type Operation, operations } from './operations.ts';
import {
  buildPostern,
  type Files,
  iprangeVersion,
  resultLines,
  runIprange,
  runPostern,
} from './processes.ts';
import { questionCount, type Workload, workloads } from './workloads.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
const files: Files = {
  a: join(folder, 'a'),
  b: join(folder, 'b'),
  result: join(folder, 'result'),
  program: join(folder, 'process.mjs'),
};
const iprange = iprangeVersion();

// cidr-tools reads the whole list again for each question, so beyond this it is asked fewer of them.
const maxLinesReadForQuestions = 1_000_000;

try {
  buildPostern(files);
  printHeader();
  for (const workload of workloads()) for (const operation of operations) measure(workload, operation);
  printMemory();
} finally {
  rmSync(folder, { recursive: true });
}

function printHeader(): void {
  const cidrTools = JSON.parse(
    readFileSync(new URL('../../node_modules/cidr-tools/package.json', import.meta.url), 'utf8'),
  ).version;
  console.log(
    `Node.js ${process.version}, cidr-tools ${cidrTools}, ${iprange ?? 'no iprange'}, ${cpus().length} CPUs`,
  );
  if (iprange === undefined) {
    console.log('iprange is not installed, so its columns are empty (Debian: apt-get install iprange).');
  }
  console.log('Milliseconds, median; ×N: how many times as long as Postern it takes.');
  console.log('process: a whole process from files to a file. In-process: from text in memory to text.\n');
  printRow([
    'workload',
    'entries',
    'operation',
    'in-process',
    'cidr-tools',
    '×',
    'process',
    'iprange',
    '× process',
    '× in-proc.',
    'result, all agree',
  ]);
}

function measure({ name, family, entries, list, other, questions }: Workload, operation: Operation): void {
  const b = operation === 'lookup' ? questions : other;
  writeFileSync(files.a, list);
  writeFileSync(files.b, b);
  const runs = entries >= 1_000_000 ? 7 : 15;

  const asProcess = median(runs, () => runPostern(operation, files));
  const answer = resultLines(files);
  const iprangeRun = iprange && family === 4 ? median(runs, () => runIprange(operation, files)) : undefined;
  if (iprangeRun) agree('iprange', answer, resultLines(files));

  const inProcess = median(runs, () => byPostern(operation, list, b));
  // What `lookup` answers here is not merged, unlike what the processes answer.
  agree('this process', answer, linesOf(AddressSet.fromLines(inProcess.result).toLines()));

  const { asked, share } = questionsForCidrTools(operation, entries, b);
  const cidrTools = median(entries >= 100_000 ? 3 : 15, () => byCidrTools(operation, list, asked));
  agree('cidr-tools', linesOf(byPostern(operation, list, asked)), linesOf(Buffer.from(cidrTools.result)));
  const cidrToolsMs = cidrTools.ms / share;

  printRow([
    name,
    entries.toLocaleString('en'),
    operation,
    ms(inProcess.ms),
    `${share < 1 ? '~' : ''}${ms(cidrToolsMs)}`,
    ratio(cidrToolsMs, inProcess.ms),
    ms(asProcess.ms),
    iprangeRun ? ms(iprangeRun.ms) : '–',
    iprangeRun ? ratio(iprangeRun.ms, asProcess.ms) : '–',
    iprangeRun ? ratio(iprangeRun.ms, inProcess.ms) : '–',
    `${answer.length.toLocaleString('en')} lines`,
  ]);
}

/** Those of the questions that there is time for, and what share of all they are. */
function questionsForCidrTools(operation: Operation, entries: number, b: Uint8Array) {
  const count = Math.ceil(maxLinesReadForQuestions / entries);
  if (operation !== 'lookup' || count >= questionCount) return { asked: b, share: 1 };
  const lines = linesOf(b).slice(0, count);
  return { asked: Buffer.from(`${lines.join('\n')}\n`), share: count / questionCount };
}

/** Throws unless both name the same blocks. Every contender prints canonical text, if not in the same order. */
function agree(name: string, expected: readonly string[], actual: readonly string[]): void {
  const [left, right] = [expected.toSorted(), actual.toSorted()];
  const at = left.findIndex((line, index) => line !== right[index]);
  if (left.length === right.length && at < 0) return;
  throw new Error(
    `${name} gives ${right.length} blocks and Postern ${left.length}; the first that differ are ${right[at]} and ${left[at]}.`,
  );
}

function median<Result>(runs: number, run: () => Result): { readonly ms: number; readonly result: Result } {
  let result = run();
  const times = Array.from({ length: runs }, () => {
    const startMs = performance.now();
    result = run();
    return performance.now() - startMs;
  });
  return { ms: times.sort((a, b) => a - b)[runs >> 1]!, result };
}

function printMemory(): void {
  console.log('\nMemory that a merged list holds, in bytes per block:');
  for (const { name, entries, list } of workloads()) {
    if (entries !== 100_000) continue;
    const set = heldBytes(() => AddressSet.fromLines(list));
    const strings = heldBytes(() => AddressSet.fromLines(list).toCidrs());
    const blocks = strings.value.length;
    console.log(
      `${name}: AddressSet ${byteCount(set.bytes, blocks)}, array of strings ${byteCount(strings.bytes, blocks)} (${blocks.toLocaleString('en')} blocks)`,
    );
  }
}

function ms(value: number): string {
  return value >= 1000 ? value.toFixed(0) : value.toPrecision(3);
}

function ratio(other: number, ours: number): string {
  return `×${other / ours >= 100 ? (other / ours).toFixed(0) : (other / ours).toPrecision(2)}`;
}

function printRow(cells: readonly string[]): void {
  const widths = [-11, 9, 10, 10, 10, 6, 8, 8, 9, 10, -20];
  console.log(
    cells
      .map((cell, column) =>
        widths[column]! < 0 ? cell.padEnd(-widths[column]!) : cell.padStart(widths[column]!),
      )
      .join('  '),
  );
}
