/**
 * A disk with a journal on it. The journal keeps the contract of the real one (the common specification of
 * `test/journal` runs over it) in memory, because a thousand simulated years are some hundred thousand runs; a
 * share of the worlds uses the real SQLite instead. Each call is whole or not at all, as a transaction is.
 */

import type { Cidr } from '../../src/address/cidr.ts';
import type { Observation } from '../../src/atlas/observation.ts';
import { type Arrived, arrivalAfter } from '../../src/journal/arrival.ts';
import { JournalError, LockLostError } from '../../src/journal/errors.ts';
import type {
  Approval,
  CoverageChange,
  GateReading,
  HeldLock,
  Journal,
  LedgerRow,
  LockHolder,
  LockResult,
  LockToken,
  OwnedEntry,
  WriteFilter,
  WriteIntent,
  WriteRecord,
} from '../../src/journal/journal.ts';
import { observationRetentionMs } from '../../src/journal/retention.ts';
import type { SpooledWrite } from '../../src/journal/spool.ts';
import { redactSecrets } from '../../src/secret.ts';

const dayMs = 24 * 60 * 60_000;
const pruneEveryMs = 2 * 60 * 60_000;
const pruneAfterCount = 12;

type StoredPlan = { gateId: string; checksum: string; atMs: number; json: string };

interface Lock {
  readonly holder: LockHolder;
  readonly token: LockToken;
  readonly leaseUntilMs: number;
  readonly process: { readonly isAlive: boolean };
}

/** What is on the disk, and outlives a process. */
export class JournalFile {
  readonly observations: Observation[] = [];
  /** Each feed's newest complete one. */
  readonly newest = new Map<string, Arrived & { readonly observation: Observation }>();
  readonly ledgers = new Map<string, readonly LedgerRow[]>();
  readonly owned = new Map<string, Map<Cidr, OwnedEntry>>();
  readonly writes: WriteRecord[] = [];
  /** Ids of those that have no end yet. */
  readonly open = new Set<number>();
  readonly plans: StoredPlan[] = [];
  readonly locks = new Map<string, Lock>();
  lockCount = 0;
  readonly coverage = new Map<string, CoverageChange[]>();
  readonly approvals: Approval[] = [];
  readonly memos = new Map<string, string>();
  prunedAtMs = Number.NEGATIVE_INFINITY;
  keptCount = Number.NEGATIVE_INFINITY;
}

/** A disk that can be full, lose the file, or refuse to open it. */
export class Disk {
  file = new JournalFile();
  spooled: SpooledWrite[] = [];
  isFull = false;
  isUnreadable = false;

  /** The file is gone; who has it open writes on into nothing. */
  lose(): void {
    this.file = new JournalFile();
  }

  append(write: SpooledWrite): void {
    if (this.isFull) throw new Error('ENOSPC: no space left on device');
    this.spooled.push(structuredClone(write));
  }
}

export interface MemoryJournalOptions {
  readonly disk: Disk;
  readonly now: () => number;
  /** Who opens it: a lock of a process that died is free. */
  readonly process: { readonly isAlive: boolean };
}

/** Throws a JournalError when the disk does not give the file. */
export function openMemoryJournal(options: MemoryJournalOptions): Journal {
  if (options.disk.isUnreadable)
    throw new JournalError('The journal cannot be opened: EIO.', 'Mend the disk.');
  return new MemoryJournal(options);
}

class MemoryJournal implements Journal {
  readonly location = 'memory';
  readonly #options: MemoryJournalOptions;
  readonly #file: JournalFile;
  readonly lockLeaseMs = 15 * 60_000;
  readonly #locks = new Set<LockToken>();
  #hasFailed = false;

  constructor(options: MemoryJournalOptions) {
    this.#options = options;
    this.#file = options.disk.file;
  }

  async recordObservation(observation: Observation, nowMs = observation.atMs): Promise<void> {
    this.#write();
    const { observations, newest } = this.#file;
    const faults = observation.faults.map(fault => ({ ...fault, message: redactSecrets(fault.message) }));
    const addresses = [...observation.addresses].sort((a, b) => (a.cidr < b.cidr ? -1 : 1));
    const recorded = { ...observation, faults, addresses };
    observations.push(recorded);
    if (observation.complete) {
      const { feed, atMs } = observation;
      const arrival = arrivalAfter(newest.get(feed), atMs, nowMs);
      if (arrival > (newest.get(feed)?.arrival ?? 0))
        newest.set(feed, { arrival, atMs, observation: recorded });
    }
    if (Math.abs(observation.atMs - this.#file.prunedAtMs) < pruneEveryMs) return;
    if (observations.length < this.#file.keptCount + pruneAfterCount) return;
    this.#file.prunedAtMs = observation.atMs;
    prune(this.#file, observation.atMs);
    this.#file.keptCount = observations.length;
  }

  async lastComplete(feed: Observation['feed']): Promise<Observation | undefined> {
    this.#read();
    return this.#file.newest.get(feed)?.observation;
  }

  async peakCount(feed: Observation['feed'], sinceMs: number): Promise<number> {
    this.#read();
    let peak = 0;
    for (const each of this.#file.observations) {
      if (each.feed !== feed || !each.complete || each.atMs < sinceMs) continue;
      peak = Math.max(peak, countOf(each));
    }
    return peak;
  }

  async observations(filter: { feed?: Observation['feed']; limit: number }) {
    this.#read();
    return this.#file.observations
      .filter(({ feed }) => filter.feed === undefined || feed === filter.feed)
      .toSorted((a, b) => b.atMs - a.atMs)
      .slice(0, filter.limit)
      .map(({ addresses: _, ...rest }) => rest);
  }

  async ledger(gateId: string): Promise<readonly LedgerRow[]> {
    this.#read();
    return this.#file.ledgers.get(gateId) ?? [];
  }

  async saveLedger(gateId: string, rows: readonly LedgerRow[], lock?: LockToken): Promise<void> {
    this.#write();
    this.#check(gateId, lock);
    this.#setLedger(gateId, rows);
  }

  async owned(gateId: string): Promise<readonly OwnedEntry[]> {
    this.#read();
    return [...(this.#file.owned.get(gateId)?.values() ?? [])];
  }

  async adopt(gateId: string, cidrs: readonly Cidr[], atMs: number, lock?: LockToken): Promise<void> {
    this.#write();
    this.#check(gateId, lock);
    this.#own(gateId, cidrs, 'adopted', atMs);
  }

  async beginWrite(intent: WriteIntent, lock?: LockToken): Promise<number> {
    this.#write();
    this.#check(intent.gateId, lock);
    const { gateId, gateName, kind, before, target, planChecksum, by, atMs } = intent;
    const id = this.#file.writes.length + 1;
    this.#file.writes.push({
      ...{ id, gateId, gateName, kind, before, target, planChecksum, by, atMs },
      reason: redactSecrets(intent.reason),
      ...{ outcome: null, after: null, finishedAtMs: null, error: null },
    });
    this.#file.open.add(id);
    return id;
  }

  async finishWrite(id: number, result: Parameters<Journal['finishWrite']>[1]): Promise<void> {
    this.#write();
    const write = this.#file.writes[id - 1];
    if (!write) return this.#fail(`The journal has no write ${id} to finish.`);
    if (write.outcome !== null) return;
    this.#file.open.delete(id);
    const { outcome, after, atMs, error } = result;
    this.#file.writes[id - 1] = {
      ...write,
      ...{ outcome, after, finishedAtMs: atMs, error: error === undefined ? null : redactSecrets(error) },
    };
    if (after === null) return;
    const before = new Set(write.before);
    const present = new Set(after);
    const gained = write.target.filter(cidr => !before.has(cidr) && present.has(cidr));
    this.#own(write.gateId, gained, 'written', atMs);
    const owned = this.#file.owned.get(write.gateId);
    for (const cidr of owned?.keys() ?? []) if (!present.has(cidr)) owned?.delete(cidr);
  }

  async unfinishedWrites(gateId: string): Promise<readonly WriteRecord[]> {
    this.#read();
    return [...this.#file.open]
      .map(id => this.#file.writes[id - 1]!)
      .filter(write => write.gateId === gateId);
  }

  async writes({ gateId, kinds, tookEffect, limit }: WriteFilter): Promise<readonly WriteRecord[]> {
    this.#read();
    const found: WriteRecord[] = [];
    for (let index = this.#file.writes.length - 1; index >= 0 && found.length < limit; index--) {
      const write = this.#file.writes[index]!;
      const isAsked =
        (gateId === undefined || write.gateId === gateId) &&
        (kinds === undefined || kinds.includes(write.kind)) &&
        !(tookEffect && write.outcome === 'not-applied');
      if (isAsked) found.push(write);
    }
    return found;
  }

  async recordReading(gateId: string, reading: GateReading, lock?: LockToken): Promise<void> {
    this.#write();
    this.#check(gateId, lock);
    const { ledger, lost = [], coverage, plan } = reading;
    for (const cidr of lost) this.#file.owned.get(gateId)?.delete(cidr);
    if (ledger) this.#setLedger(gateId, ledger);
    this.#cover(gateId, coverage);
    const newest = this.#file.plans.findLast(each => each.gateId === gateId);
    if (newest?.checksum === plan.checksum) return;
    this.#file.plans.push({ gateId, checksum: plan.checksum, atMs: plan.atMs, json: plan.json() });
  }

  async plans(filter: { gateId?: string; limit: number }) {
    this.#read();
    return this.#file.plans
      .filter(({ gateId }) => filter.gateId === undefined || gateId === filter.gateId)
      .toSorted((a, b) => b.atMs - a.atMs)
      .slice(0, filter.limit);
  }

  async recordCoverage(gateId: string, change: CoverageChange): Promise<void> {
    this.#write();
    this.#cover(gateId, change);
  }

  async coverage({ gateId, sinceMs }: { gateId: string; sinceMs: number }) {
    this.#read();
    const changes = this.#file.coverage.get(gateId) ?? [];
    const first = changes.findLastIndex(({ atMs }) => atMs <= sinceMs);
    return changes.slice(Math.max(0, first));
  }

  async approve(approval: Omit<Approval, 'id'>): Promise<number> {
    this.#write();
    const id = this.#file.approvals.length + 1;
    const [by, reason] = [redactSecrets(approval.by), redactSecrets(approval.reason)];
    this.#file.approvals.push({ ...approval, id, by, reason });
    return id;
  }

  async approvals(filter: { gateId?: string; limit: number }): Promise<readonly Approval[]> {
    this.#read();
    return this.#file.approvals
      .filter(({ gateId }) => filter.gateId === undefined || gateId === filter.gateId)
      .toReversed()
      .slice(0, filter.limit);
  }

  async recall(key: string): Promise<unknown> {
    this.#read();
    const json = this.#file.memos.get(key);
    return json === undefined ? undefined : JSON.parse(json);
  }

  async remember(key: string, value: unknown): Promise<void> {
    this.#write();
    const clean = (_: string, part: unknown) => (typeof part === 'string' ? redactSecrets(part) : part);
    this.#file.memos.set(key, JSON.stringify(value, clean));
  }

  async recallAll(prefix: string): Promise<ReadonlyMap<string, unknown>> {
    this.#read();
    const found = [...this.#file.memos].filter(([key]) => key.startsWith(prefix));
    return new Map(found.map(([key, json]) => [key, JSON.parse(json)]));
  }

  async forget(key: string): Promise<void> {
    this.#write();
    this.#file.memos.delete(key);
  }

  async lock(gateId: string, holder: LockHolder, leaseMs: number): Promise<LockResult> {
    this.#write();
    const { now, process } = this.#options;
    const current = this.#file.locks.get(gateId);
    if (current && isHeld(current, holder, now())) return { acquired: false, holder: current.holder };
    const token: LockToken = `lock ${++this.#file.lockCount}`;
    this.#file.locks.set(gateId, { holder, token, leaseUntilMs: now() + leaseMs, process });
    this.#locks.add(token);
    const held: HeldLock = {
      acquired: true,
      ...(current && { takenFrom: current.holder }),
      token,
      isCertain: () => this.#file.locks.get(gateId)?.token === token,
      release: async () => {
        this.#write();
        this.#locks.delete(token);
        if (this.#file.locks.get(gateId)?.token === token) this.#file.locks.delete(gateId);
      },
    };
    return held;
  }

  async close(): Promise<void> {
    if (!this.#hasFailed) return;
    for (const [gateId, { token }] of this.#file.locks)
      if (this.#locks.has(token)) this.#file.locks.delete(gateId);
  }

  #setLedger(gateId: string, rows: readonly LedgerRow[]): void {
    if (new Set(rows.map(({ cidr }) => cidr)).size < rows.length) {
      this.#fail('a ledger has each address once.');
    }
    this.#file.ledgers.set(gateId, rows);
  }

  #cover(gateId: string, change: CoverageChange): void {
    const changes = this.#file.coverage.get(gateId) ?? [];
    this.#file.coverage.set(gateId, changes);
    const newest = changes.at(-1);
    if (newest?.coverage !== change.coverage || newest.missing !== change.missing) changes.push(change);
  }

  #check(gateId: string, token: LockToken | undefined): void {
    if (token !== undefined && this.#file.locks.get(gateId)?.token !== token) throw new LockLostError(gateId);
  }

  #own(gateId: string, cidrs: readonly Cidr[], how: OwnedEntry['how'], sinceMs: number): void {
    const owned = this.#file.owned.get(gateId) ?? new Map<Cidr, OwnedEntry>();
    this.#file.owned.set(gateId, owned);
    for (const cidr of cidrs) if (!owned.has(cidr)) owned.set(cidr, { cidr, how, sinceMs });
  }

  #read(): void {
    if (this.#options.disk.isUnreadable) this.#fail('EIO: the disk cannot be read');
  }

  #write(): void {
    this.#read();
    if (this.#options.disk.isFull) this.#fail('ENOSPC: no space left on device');
  }

  #fail(what: string): never {
    this.#hasFailed = true;
    throw new JournalError(what, 'Mend the disk.');
  }
}

const counts = new WeakMap<Observation['addresses'], number>();

function countOf({ addresses }: Observation): number {
  let count = counts.get(addresses);
  if (count === undefined) {
    count = new Set(addresses.map(({ cidr }) => cidr)).size;
    counts.set(addresses, count);
  }
  return count;
}

/** On this machine a lock is held as long as its process lives, elsewhere until its lease is over. */
function isHeld(current: Lock, asking: LockHolder, nowMs: number): boolean {
  return current.holder.host === asking.host ? current.process.isAlive : nowMs < current.leaseUntilMs;
}

const contents = new WeakMap<Observation['addresses'], string>();

function contentOf({ addresses }: Observation): string {
  let content = contents.get(addresses);
  if (content === undefined) {
    content = JSON.stringify(addresses);
    contents.set(addresses, content);
  }
  return content;
}

/** Forgets what `src/journal/retention.ts` forgets. */
function prune(file: JournalFile, nowMs: number): void {
  const lastOfDay = new Map<string, Observation>();
  const dayOf = (each: Observation) =>
    `${each.feed} ${each.complete} ${Math.floor(each.atMs / dayMs)} ${contentOf(each)}`;
  const isThinned = ({ atMs }: Observation) => atMs < nowMs - 2 * dayMs;
  for (const each of file.observations) {
    if (isThinned(each) && each.atMs >= (lastOfDay.get(dayOf(each))?.atMs ?? 0))
      lastOfDay.set(dayOf(each), each);
  }
  const kept = file.observations.filter(
    each =>
      file.newest.get(each.feed)?.observation === each ||
      (each.atMs >= nowMs - observationRetentionMs &&
        (!isThinned(each) || lastOfDay.get(dayOf(each)) === each)),
  );
  file.observations.splice(0, file.observations.length, ...kept);
  const carriedOut = new Set(file.writes.map(({ planChecksum }) => planChecksum));
  const plans = file.plans.filter(
    (plan, index) =>
      plan.atMs >= nowMs - observationRetentionMs ||
      carriedOut.has(plan.checksum) ||
      !file.plans.slice(index + 1).some(({ gateId }) => gateId === plan.gateId),
  );
  file.plans.splice(0, file.plans.length, ...plans);
}
