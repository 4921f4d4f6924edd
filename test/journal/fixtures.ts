import { mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import type { Journal, LockHolder, WriteIntent } from '../../src/journal/journal.ts';
import { cidrs, nowMs } from '../plan/fixtures.ts';

/** A directory that goes when the test is over. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'postern-journal-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export class FakeClock implements Clock {
  nowMs = nowMs;
  now = (): number => this.nowMs;
  sleep = async (ms: number): Promise<void> => {
    this.nowMs += ms;
  };
}

export const gateId = 'azure-key-vault:/vault';
export const leaseMs = 60_000;

export function intent(more: Partial<WriteIntent> = {}): WriteIntent {
  return {
    gateId,
    gateName: 'vault',
    kind: 'add',
    before: cidrs('192.0.2.1'),
    target: cidrs('192.0.2.1', '192.0.2.2'),
    planChecksum: 'sum',
    by: 'alice@host (pid 42)',
    reason: '1 address is wanted',
    atMs: nowMs,
    ...more,
  };
}

export const holder = (more: Partial<LockHolder> = {}): LockHolder => ({
  pid: process.pid,
  host: hostname(),
  command: 'postern apply',
  sinceMs: nowMs,
  ...more,
});

/** A reading that found this plan, and that everybody is let in. */
export function recordPlan(
  journal: Journal,
  gate: string,
  checksum: string,
  atMs: number,
  json = '{}',
): Promise<void> {
  return journal.recordReading(gate, {
    ledger: undefined,
    coverage: { atMs, coverage: 'let-in', missing: 0 },
    plan: { checksum, atMs, json: () => json },
  });
}
