/**
 * Undo: puts back what a write took out, and takes back what it let in where no feed of Atlas ever wanted it
 * (a wrong pin, say). What Atlas wants and is missing is let in first. It never takes back an address that Atlas
 * wants or wanted: that road is the slow one. A write that put the list in force is undone by taking it out of force.
 */
import { AddressSet } from '../address/address-set.ts';
import type { Cidr } from '../address/cidr.ts';
import type { GateState } from '../gates/gate.ts';
import type { LedgerRow, OwnedEntry, WriteRecord } from '../journal/journal.ts';
import { tripUndoGuards } from '../plan/guards.ts';
import type { PlanInput } from '../plan/input.ts';
import { additionOf } from '../plan/plan.ts';
import { askOutside } from './ask-outside.ts';
import { isFirstWrite, withdraw } from './first-write.ts';
import { type Prepared, prepare } from './prepare.ts';
import { putBack } from './put-back.ts';
import { readGate } from './read-gate.ts';
import { recover } from './recover.ts';
import { RemovalNotConfirmed, removeConfirmed } from './remove-confirmed.ts';
import type { Run, RunResult, RunWrite } from './run.ts';
import { type ResultBuilder, withLock } from './with-lock.ts';
import { addStep, deltaOf, newestInForce } from './write-step.ts';

export interface Undo {
  readonly write: WriteRecord;
  /** Missing now, whatever the write did: let in besides, because Atlas wants them. */
  readonly letsIn: readonly Cidr[];
  readonly putsBack: readonly Cidr[];
  readonly takesBack: readonly Cidr[];
  /** Let in by the write, and staying, because Atlas wants them or wanted them. */
  readonly stays: readonly Cidr[];
  /** The write put the list in force: it is taken out of force, and whoever was let in before is let in again. */
  readonly withdraws?: true;
}

export interface UndoOptions {
  /** Default: the newest write that was applied. */
  readonly writeId?: number;
  /** Told of what is about to be written. */
  show?(undo: Undo): void;
  /** Asked before anything is written; false refuses. */
  confirm?(undo: Undo): Promise<boolean>;
}

/**
 * Undoes one write of a gate. Never throws for a fault of the gate, a feed or the journal: the result tells. While
 * somebody is asked, the gate is nobody's, as with `applyGate`.
 */
export async function undoWrite(run: Run, options: UndoOptions = {}): Promise<RunResult> {
  const { confirm } = options;
  if (!confirm) return await undoLocked(run, options);
  return await askOutside(confirm, isSameUndo, ask => undoLocked(run, { ...options, confirm: ask }));
}

function isSameUndo(a: Undo, b: Undo): boolean {
  const changeOf = ({ write, letsIn, putsBack, takesBack }: Undo) => [write.id, letsIn, putsBack, takesBack];
  return JSON.stringify(changeOf(a)) === JSON.stringify(changeOf(b));
}

function undoLocked(unlocked: Run, options: UndoOptions): Promise<RunResult> {
  return withLock(unlocked, async (run, result) => {
    const recovered = await recover(run, await readGate(run));
    if (recovered.trouble) throw recovered.trouble;
    let { state } = recovered;
    const writes = await run.journal.attempt(j => j.writes({ gateId: run.gate.id, limit: 1_000 }));
    const write = findWrite(run, writes, options.writeId);
    if (typeof write === 'string') return result.end('refused', write, { remedy: seeHistory });
    if (isFirstWrite(write)) {
      const stands = newestInForce(writes ?? [], run.clock.now())?.id === write.id;
      return await undoFirstWrite(run, { state, write, stands }, options, result);
    }
    const { plan, ledger, input, must } = await prepare(run, state);
    const owned = (await run.journal.attempt(journal => journal.owned(run.gate.id))) ?? [];
    const addition = additionOf(plan);
    const undo = planUndo(write, state.entries, ledger ?? [], owned, addition?.adds);
    const refusal = refuse(run, undo, input);
    if (refusal) return result.end('refused', refusal.message, refusal);
    options.show?.(undo);
    if (options.confirm && !(await options.confirm(undo))) return result.end('refused', ...notConfirmed);
    const onWrite = (written: RunWrite) => result.writes.push(written);
    const added = await letInMissing(run, state, { plan, must }, onWrite);
    state = added.state;
    if (undo.putsBack.length > 0) {
      const also = added.error === undefined ? [] : undo.letsIn;
      state = (await putBack(run, state, write, `undo of write ${write.id}`, onWrite, also)) ?? state;
    }
    if (added.error !== undefined) throw added.error;
    if (undo.takesBack.length > 0) {
      const goes = new Set(undo.takesBack);
      const to = state.entries.filter(cidr => !goes.has(cidr));
      const reason = `undo of write ${write.id}`;
      try {
        const removal = { kind: 'undo', to, planChecksum: plan.checksum, reason, ...must } as const;
        await removeConfirmed(run, state, removal, onWrite);
      } catch (error) {
        if (error instanceof RemovalNotConfirmed) return result.end('restored', error.message, { error });
        throw error;
      }
    }
    const addedCount = result.writes.filter(({ kind }) => kind === 'add').flatMap(({ adds }) => adds).length;
    const parts = [
      undo.putsBack.length > 0 && `${undo.putsBack.length} put back`,
      undo.takesBack.length > 0 && `${undo.takesBack.length} taken back`,
      undo.stays.length > 0 && `${undo.stays.length} stay because Atlas wants them or wanted them`,
      addedCount > 0 && `${addedCount} let in because Atlas wants them`,
    ].filter(Boolean);
    return result.end(
      'changed',
      `Write ${write.id} of gate ${run.gate.name} is undone: ${parts.join(', ')}.`,
      {
        ...(undo.putsBack.length > 0 && {
          remedy: `What was put back is in grace again; put it under \`pinned\` to keep it for good.`,
        }),
      },
    );
  });
}

/**
 * After any write Atlas is let in (DESIGN.md §3, invariant 1), so what is missing comes first. That it cannot be
 * added is no reason not to put back what somebody asks for at once; it is one not to take anything away.
 */
async function letInMissing(
  run: Run,
  state: GateState,
  { plan, must }: Pick<Prepared, 'plan' | 'must'>,
  onWrite: (write: RunWrite) => void,
): Promise<{ readonly state: GateState; readonly error?: unknown }> {
  const addition = additionOf(plan);
  if (!addition || state.nextWriteShutsOut) return { state };
  const write = { to: addition.to, planChecksum: plan.checksum, reason: 'Atlas wants it', ...must };
  try {
    return { state: await addStep(run, state, write, onWrite) };
  } catch (error) {
    // Whether it took effect, the list tells.
    return { state: await readGate(run), error };
  }
}

interface FirstWrite {
  readonly state: GateState;
  readonly write: WriteRecord & { readonly kind: 'enforce' };
  /** No later write put the list in force, or took it out. */
  readonly stands: boolean;
}

/** Needs no reading of Atlas: it lets in, and takes nothing away. */
async function undoFirstWrite(
  run: Run,
  first: FirstWrite,
  options: UndoOptions,
  result: ResultBuilder,
): Promise<RunResult> {
  const { state, write } = first;
  const { name } = run.gate;
  const nothing = { letsIn: [], putsBack: [], takesBack: [], stays: [] };
  const refusal =
    run.settings.policy === 'observe' ? observes(name) : (standsNoMore(name, first) ?? state.obstacle);
  if (refusal) return result.end('refused', refusal.message, refusal);
  const undo: Undo = { write, ...nothing, withdraws: true };
  options.show?.(undo);
  if (options.confirm && !(await options.confirm(undo))) return result.end('refused', ...notConfirmed);
  await withdraw(run, state, write, `undo of write ${write.id}`, each => result.writes.push(each));
  return result.end(
    'changed',
    `Write ${write.id} of gate ${name} is undone: its list is out of force, and whoever was let in before that write is let in again.`,
    { remedy: 'It stays so until apply is run with --accept-first-write.' },
  );
}

/** The list that is in force may be that of a later write, which to take out is something else. */
function standsNoMore(
  gateName: string,
  { state, write: { id, outcome }, stands }: FirstWrite,
): { message: string; remedy: string } | undefined {
  if (state.nextWriteShutsOut) {
    return { message: `Write ${id} is undone already: nothing to do.`, remedy: seeHistory };
  }
  if (stands && (outcome === 'applied' || outcome === 'partly')) return undefined;
  return {
    message: `Write ${id} did not put the list in force that gate ${gateName} has now.`,
    remedy: seeHistory,
  };
}

const seeHistory = 'See `postern history`.';

const notConfirmed: [string, { remedy: string }] = [
  'Not confirmed: nothing was written.',
  { remedy: 'Run undo again, or give --yes.' },
];

function observes(name: string): { message: string; remedy: string } {
  return {
    message: `The policy of gate ${name} is observe: nothing is written.`,
    remedy: 'Set `policy: add-only` or `policy: sync` on the gate, or give --policy.',
  };
}

function findWrite(
  run: Run,
  writes: readonly WriteRecord[] | undefined,
  writeId: number | undefined,
): WriteRecord | string {
  if (!writes)
    return `The journal cannot be used (${run.journal.unavailable}), so there is nothing to undo from.`;
  const write =
    writeId === undefined
      ? writes.find(({ outcome }) => outcome === 'applied')
      : writes.find(({ id }) => id === writeId);
  if (!write && writeId !== undefined) return `Gate ${run.gate.name} has no write ${writeId}.`;
  return write ?? `Postern has written nothing to gate ${run.gate.name} yet.`;
}

/** Pure. `missing` is what the plan adds. */
export function planUndo(
  write: WriteRecord,
  entries: readonly Cidr[],
  ledger: readonly LedgerRow[],
  owned: readonly OwnedEntry[],
  missing: readonly Cidr[] = [],
): Undo {
  const present = new Set(entries);
  const ours = new Set(owned.map(({ cidr }) => cidr));
  const { adds, removes } = deltaOf(write.before, write.target);
  const letIn = adds.filter(cidr => present.has(cidr) && ours.has(cidr));
  const takesBack = letIn.filter(cidr => neverWantedByAtlas(cidr, ledger));
  const putsBack = removes.filter(cidr => !present.has(cidr));
  return {
    write,
    letsIn: missing.filter(cidr => !putsBack.includes(cidr)),
    putsBack,
    takesBack,
    stays: letIn.filter(cidr => !takesBack.includes(cidr)),
  };
}

/** Only the config ever wanted it, and a complete reading shows that it does not any more. */
function neverWantedByAtlas(cidr: Cidr, ledger: readonly LedgerRow[]): boolean {
  const entry = AddressSet.of([cidr]);
  const rows = ledger.filter(row => entry.overlaps(row.cidr));
  // Of a row without provenance nobody knows who wanted it.
  const isOfConfig = ({ provenance }: LedgerRow) =>
    provenance.length > 0 && provenance.every(({ feed }) => feed === 'static');
  return rows.length > 0 && rows.every(row => row.absentSinceMs !== null && isOfConfig(row));
}

function refuse(
  { gate, settings }: Run,
  undo: Undo,
  input: PlanInput,
): { message: string; remedy: string } | undefined {
  const { id } = undo.write;
  if (settings.policy === 'observe') return observes(gate.name);
  if (input.state.nextWriteShutsOut) {
    return {
      message: `The list of gate ${gate.name} is not in force, so that write ${id} shuts nobody out. Nothing was written.`,
      remedy: 'To put the list in force again, run postern apply with --accept-first-write.',
    };
  }
  if (undo.takesBack.length > 0 && settings.policy !== 'sync') {
    return {
      message: `Undoing write ${id} would take ${undo.takesBack.length} entries out, and the policy of gate ${gate.name} is ${settings.policy}.`,
      remedy: 'Set `policy: sync` on the gate, or give --policy sync.',
    };
  }
  const [trip] = tripUndoGuards(input, undo.takesBack);
  if (trip) return trip;
  if (undo.putsBack.length + undo.takesBack.length > 0) return undefined;
  if (undo.stays.length > 0) {
    return {
      message: `Write ${id} let in ${undo.stays.length} addresses that Atlas wants or wanted; taking them back could lock Atlas out. Nothing was written.`,
      remedy:
        'An address that Atlas no longer lists goes by itself after its grace period; one from the config, once it is out of the config and a complete reading has confirmed that.',
    };
  }
  return { message: `Write ${id} is undone already: nothing to do.`, remedy: 'See `postern history`.' };
}
