/** What a run came to, for the schedule and the status. Pure. */
import { GateUnverifiedError } from '../gates/gate.ts';
import type { Plan } from '../plan/plan.ts';
import type { After } from '../reconcile/after-run.ts';
import { FirstWriteStuckError } from '../reconcile/first-write.ts';
import { RemovalStuckError } from '../reconcile/remove-confirmed.ts';
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

/**
 * Whether something that a run took away may be gone still, and without Atlas's word that it may. What was only to be
 * added, and may not have been, is missing anyhow.
 */
export function mayLeaveRemoval({ error }: RunResult): boolean {
  return [RemovalStuckError, FirstWriteStuckError, GateUnverifiedError].some(kind => error instanceof kind);
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
