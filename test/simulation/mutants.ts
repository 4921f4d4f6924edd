/**
 * `npm run simulate:mutants`: takes Postern's guards out one by one, in a copy of the source, and shows whether
 * the judge notices, within how many worlds, and by what. A guard that nobody misses is a hole in the judge.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

interface Mutant {
  readonly name: string;
  /** Each text stands in its file exactly once. */
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[];
}

const guards = 'src/plan/guards.ts';
const makePlan = 'src/plan/make-plan.ts';
const vault = 'src/gates/azure-key-vault/index.ts';
const withoutGuard = (name: string) => ({ file: guards, from: `\n  ${name},`, to: '' });
const noGrace = { file: makePlan, from: 'nowMs - row.absentSinceMs >= removal.graceMs', to: 'true' };
const oneRead = { file: makePlan, from: 'row.absentReads >= Math.max(2, removal.minReads)', to: 'true' };

const mutants: readonly Mutant[] = [
  { name: 'no grace period', edits: [noGrace] },
  { name: 'one reading is enough', edits: [oneRead] },
  { name: 'one reading is enough, and no grace period', edits: [oneRead, noGrace] },
  { name: 'an incomplete reading removes', edits: [withoutGuard('incompleteObservation')] },
  {
    name: 'no limit on removals at once',
    edits: [withoutGuard('tooManyRemovals'), withoutGuard('tooLargeShare')],
  },
  { name: 'a control plane that shrank is believed', edits: [withoutGuard('feedShrank')] },
  { name: 'policy add-only removes', edits: [withoutGuard('policyAddsOnly')] },
  { name: "Atlas's word is not waited for before a removal", edits: [withoutGuard('atlasDoesNotConfirm')] },
  { name: 'a removal needs no approval', edits: [withoutGuard('notApproved')] },
  { name: 'a freeze window is not kept', edits: [withoutGuard('frozen')] },
  {
    name: 'entries of others are lost by a plan; the last look before the write stands',
    edits: [{ file: makePlan, from: 'ripe.intersection(oursSet).difference(', to: 'ripe.difference(' }],
  },
  {
    name: 'entries of others are lost by a write',
    edits: [
      {
        file: vault,
        from: 'ipRules: ipRulesFor(acls, next)',
        to: "ipRules: ipRulesFor(acls, next).filter(({ value }) => !value.startsWith('198.'))",
      },
    ],
  },
  {
    name: 'another setting is lost by a write',
    edits: [
      { file: vault, from: 'virtualNetworkRules: virtualNetworkRules ?? []', to: 'virtualNetworkRules: []' },
    ],
  },
  {
    name: 'what somebody changed just before the write is not looked at',
    edits: [{ file: vault, from: 'if (state.revision !== expected) {', to: 'if (false) {' }],
  },
  {
    name: 'nothing is added without the journal',
    edits: [{ file: 'src/reconcile/write-step.ts', from: 'if (takesAway)\n', to: 'if (true)\n' }],
  },
];

const { values } = parseArgs({
  options: {
    worlds: { type: 'string', default: '6' },
    seed: { type: 'string', default: 'm' },
    only: { type: 'string' },
    way: { type: 'string', default: 'daemon' },
  },
});
const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const run = promisify(execFile);

console.log('| taken out | noticed in world | by |\n|---|---:|---|');
for (const mutant of mutants.filter(({ name }) => values.only === undefined || name.includes(values.only))) {
  console.log(await rowOf(mutant));
}

async function rowOf({ name, edits }: Mutant): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-mutant-'));
  try {
    for (const part of ['src', 'test/simulation', 'package.json']) {
      cpSync(join(root, part), join(folder, part), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    for (const { file, from, to } of edits) {
      const text = readFileSync(join(folder, file), 'utf8');
      if (text.split(from).length !== 2) throw new Error(`${file} does not hold exactly once: ${from}`);
      writeFileSync(join(folder, file), text.replace(from, to));
    }
    for (let world = 1; world <= Number(values.worlds); world++) {
      const seed = `${values.seed}.${world}`;
      const args = ['--years', '1', '--stormy', '--way', values.way, '--workers', '1', '--seed', seed];
      const failure = await run(process.execPath, ['test/simulation/run.ts', ...args], { cwd: folder }).then(
        () => undefined,
        error => String(error.stdout),
      );
      if (failure === undefined) continue;
      const [, first = failure] = /: failed\n {2}([^\n]*)/.exec(failure) ?? [];
      const by = first.startsWith('  ') ? 'preventable lock-out' : first;
      return `| ${name} | ${world} | ${by.replace(/\b44[.\d/]+(, )?/g, '…')} |`;
    }
    return `| ${name} | not in ${values.worlds} | |`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
