/** What every writing run shares: the gate's lock, and a result that tells instead of an exception. */
import { hostname } from 'node:os';
import { LockLostError } from '../journal/errors.ts';
import type { LockHolder, LockResult } from '../journal/journal.ts';
import type { Plan } from '../plan/plan.ts';
import { currentSpan } from '../telemetry/span.ts';
import { TransportError } from '../transport/errors.ts';
import type { Run, RunResult, RunStatus, RunWrite } from './run.ts';
import { WriteStoppedError } from './write-step.ts';

/** What a run has come to so far, and how it ends. */
export interface ResultBuilder {
  plan: Plan | undefined;
  readonly writes: RunWrite[];
  end(status: RunStatus, message: string, extra?: { remedy?: string; error?: unknown }): RunResult;
}

/**
 * Does `work` while no other run works on the gate. Without a journal there is no lock: only additions are
 * possible then, and two runs that add the same addresses do no harm.
 */
export async function withLock(
  run: Run,
  work: (locked: Run, result: ResultBuilder) => Promise<RunResult>,
): Promise<RunResult> {
  const result = resultBuilder(run);
  let lock: LockResult | undefined;
  try {
    lock = await takeLock(run);
    if (lock && !lock.acquired) {
      return result.end(
        'refused',
        `Gate ${run.gate.name} is being worked on by ${describeHolder(lock.holder)}.`,
        {
          remedy:
            'Wait until it is done; if it died on another machine, its lock ends by itself: within 15 minutes, or, with a journal in PostgreSQL, within seconds.',
        },
      );
    }
    if (lock?.takenFrom) run.report({ kind: 'lock-taken-over', from: describeHolder(lock.takenFrom) });
    if (lock) run.fence?.hold(lock);
    try {
      return await work(lock ? { ...run, lock } : run, result);
    } finally {
      run.fence?.drop();
      await release(run, lock);
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const isStopped =
      error instanceof WriteStoppedError || error instanceof LockLostError || isRefusedByFence(error);
    if (!isStopped || result.writes.length > 0) return result.end('failed', message, { error });
    const { remedy } = error as { remedy?: string };
    return result.end('refused', message, { error, ...(remedy !== undefined && { remedy }) });
  }
}

/** Whoever cannot give it up loses it by itself. */
export async function release(run: Run, lock: LockResult | undefined): Promise<void> {
  if (lock?.acquired) await run.journal.attempt(() => lock.release());
}

/** The gate may have wrapped what the transport said. */
function isRefusedByFence(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof TransportError && cause.kind === 'refused-write') return true;
  }
  return false;
}

/** Undefined when there is no journal to take it from. */
export async function takeLock(run: Run): Promise<LockResult | undefined> {
  const holder: LockHolder = {
    pid: process.pid,
    host: hostname(),
    command: run.command,
    sinceMs: run.clock.now(),
  };
  return await run.journal.attempt(journal => journal.lock(run.gate.id, holder, journal.lockLeaseMs));
}

function describeHolder({ command, pid, host, sinceMs }: LockHolder): string {
  return `\`${command}\` (pid ${pid} on ${host}, since ${new Date(sinceMs).toISOString()})`;
}

function resultBuilder(run: Run): ResultBuilder {
  const builder: ResultBuilder = {
    plan: undefined,
    writes: [],
    end: (status, message, extra = {}) => {
      tellSpan(status, message, builder.writes.length);
      return {
        gate: { id: run.gate.id, name: run.gate.name },
        status,
        message,
        writes: builder.writes,
        ...(builder.plan && { plan: builder.plan }),
        ...(extra.remedy !== undefined && { remedy: extra.remedy }),
        ...(extra.error !== undefined && { error: extra.error }),
      };
    },
  };
  return builder;
}

/** A run ends in the span that was begun for it. */
function tellSpan(status: RunStatus, message: string, writes: number): void {
  const span = currentSpan();
  span.set({ 'postern.status': status, 'postern.writes': writes });
  if (status === 'failed' || status === 'restored') span.fail(status, message);
}
