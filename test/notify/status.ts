/** A daemon's state in which all is well; a test says what is not. */
import type { Cidr } from '../../src/address/cidr.ts';
import type { WatchEvent, WatchListener } from '../../src/watch/events.ts';
import type { FeedStatus, GateStatus, WatchStatus } from '../../src/watch/status.ts';
import { nowMs } from './fixtures.ts';

export function feedStatus(more: Partial<FeedStatus> = {}): FeedStatus {
  return {
    feed: 'control-plane',
    addresses: 374,
    complete: true,
    faults: [],
    lastReadAtMs: nowMs - 20_000,
    lastCompleteAtMs: nowMs - 20_000,
    nextAtMs: nowMs + 40_000,
    consecutiveFaults: 0,
    isChanging: false,
    ...more,
  };
}

export function gateStatus(more: Partial<GateStatus> = {}): GateStatus {
  return {
    name: 'production',
    kind: 'azure-key-vault',
    id: 'azure-key-vault:/vault',
    policy: 'sync',
    projects: ['64f0c1a2b3d4e5f601234567'],
    isRunning: false,
    coverage: 'let-in',
    lets: 'listed',
    missing: [],
    plannedAtMs: nowMs - 10_000,
    planChecksum: 'a'.repeat(64),
    pendingRemovals: [],
    closing: [],
    guards: [],
    findings: [],
    usage: { used: 374, limit: 1000, unit: 'entries' },
    lastRun: undefined,
    lastGoodRunAtMs: nowMs - 10_000,
    lastWrite: undefined,
    nextAtMs: nowMs + 50_000,
    consecutiveFailures: 0,
    backOff: undefined,
    unseenSinceMs: undefined,
    soakUntilMs: undefined,
    ...more,
  };
}

/** As after a restart, until it was looked at. */
export const unseenGate = (more: Partial<GateStatus> = {}): GateStatus =>
  gateStatus({
    coverage: undefined,
    lets: undefined,
    plannedAtMs: undefined,
    planChecksum: undefined,
    lastGoodRunAtMs: undefined,
    ...more,
  });

export const unseenFeed = (more: Partial<FeedStatus> = {}): FeedStatus =>
  feedStatus({ complete: undefined, lastReadAtMs: undefined, lastCompleteAtMs: undefined, ...more });

export function watchStatus(more: Partial<WatchStatus> = {}): WatchStatus {
  return {
    state: 'running',
    nowMs,
    startedAtMs: nowMs - 86_400_000,
    config: { path: 'postern.yaml', loadedAtMs: nowMs - 86_400_000, fault: undefined },
    journal: { location: '/var/lib/postern/journal.db', available: true, because: undefined, sinceMs: 0 },
    feeds: [feedStatus()],
    gates: [gateStatus()],
    totals: {
      requests: 10,
      retries: 0,
      bytesReceived: 10_000,
      feedReads: 5,
      incompleteReads: 0,
      runs: 5,
      failedRuns: 0,
      writes: 0,
      restores: 0,
      hints: 0,
      reloads: 0,
      refusedConfigs: 0,
      journalFailures: 0,
      internalFaults: 0,
    },
    rateLimits: [],
    lastHint: undefined,
    lastHealthyCycleAtMs: nowMs - 10_000,
    ...more,
  };
}

export const missing = ['52.1.2.3/32', '52.1.2.4/32'] as readonly string[] as readonly Cidr[];

/** A daemon whose state is what a test says, and that tells what a test sends. */
export function stubWatch(status: () => WatchStatus) {
  const listeners = new Set<WatchListener>();
  const subscribe = (listener: WatchListener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const send = (event: object) => {
    for (const listener of listeners)
      listener({ sequence: 1, atMs: nowMs, severity: 'info', ...event } as WatchEvent);
  };
  return { watch: { status, subscribe }, send };
}
