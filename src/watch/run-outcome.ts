/** What a run came to, for the schedule and the status. Pure. */
import { AddressSet } from '../address/address-set.ts';
import type { Cidr } from '../address/cidr.ts';
import type { Plan } from '../plan/plan.ts';
import { type Coverage, coverageOf } from '../reconcile/coverage.ts';
import type { RunResult } from '../reconcile/run.ts';
import type { RunSummary } from './events.ts';
import { isLasting } from './lasting.ts';
import type { PendingRemoval } from './status.ts';

/** How a run ended, for the schedule. */
export type Ending =
  | { readonly kind: 'good' }
  /** Somebody else has the gate, or Postern stops: no fault. */
  | { readonly kind: 'held' }
  | { readonly kind: 'failed'; readonly isLasting: boolean };

export function endingOf(result: RunResult, isStopping: boolean): Ending {
  switch (result.status) {
    case 'unchanged':
    case 'changed':
    case 'restored':
      return { kind: 'good' };
    case 'refused': {
      const isBlocked = result.plan?.guards.some(({ blocks }) => blocks === 'write') ?? false;
      return isBlocked && !isStopping ? { kind: 'failed', isLasting: true } : { kind: 'held' };
    }
    case 'failed':
      return isStopping ? { kind: 'held' } : { kind: 'failed', isLasting: isLasting(result.error) };
  }
}

/** How things stand after a run, as far as its plan and its writes tell. */
export interface After {
  readonly missing: readonly Cidr[];
  readonly closing: readonly Cidr[];
  readonly coverage: Coverage;
}

export function afterRun(plan: Plan, { writes }: Pick<RunResult, 'writes'>): After {
  const added = writes.some(({ kind }) => kind === 'add')
    ? plan.steps.find(({ kind }) => kind === 'add')
    : undefined;
  const missing = added ? stillMissing(plan.missing, added) : plan.missing;
  const isRemoved = writes.at(-1)?.kind === 'remove';
  return { missing, closing: isRemoved ? [] : plan.closing, coverage: coverageOf({ ...plan, missing }) };
}

/** What was listed before and is not let in all the same is shut out by something else than the list. */
function stillMissing(missing: readonly Cidr[], { from, to }: Plan['steps'][number]): readonly Cidr[] {
  const before = AddressSet.of(from);
  const after = AddressSet.of(to);
  return missing.filter(cidr => before.covers(cidr) || !after.covers(cidr));
}

export function summaryOf(
  run: {
    readonly runId: string;
    readonly gate: string;
    readonly startedAtMs: number;
    readonly endedAtMs: number;
  },
  result: RunResult,
  after: After | undefined,
): RunSummary {
  return {
    ...run,
    gateId: result.gate.id === '' ? undefined : result.gate.id,
    status: result.status,
    message: result.message,
    ...remedyOf(result),
    writes: result.writes,
    coverage: after?.coverage,
    missing: after?.missing ?? [],
  };
}

function remedyOf({ remedy, error }: RunResult): { remedy?: string } {
  const said = remedy ?? (error as { remedy?: unknown } | undefined)?.remedy;
  return typeof said === 'string' ? { remedy: said } : {};
}

export function pendingOf({ entries }: Plan): readonly PendingRemoval[] {
  return entries
    .filter(({ action, owner }) => owner === 'postern' && action === 'retain')
    .map(({ cidr, absentSinceMs, closesAtMs, because }) => ({ cidr, absentSinceMs, closesAtMs, because }));
}

/** Whether the next run may remove something: it then rests on readings made for it. */
export function mayRemove({ entries }: Plan, nowMs: number): boolean {
  return entries.some(
    ({ action, closesAtMs }) =>
      action === 'close' || (action === 'retain' && closesAtMs !== undefined && closesAtMs <= nowMs),
  );
}

/** What a run on policy `observe` came to. */
export function observedMessage(plan: Plan): string {
  const count = plan.missing.length;
  const { name } = plan.gate;
  if (count === 0) return `Gate ${name} is on observe: nothing is missing, and nothing is written.`;
  return `Gate ${name} is on observe: ${count} ${count === 1 ? 'address is' : 'addresses are'} not let in, and nothing is written.`;
}
