/** The daemon itself: one loop that starts what is due and sleeps until the next thing is. */
import type { FeedId } from '../address/address.ts';
import { readEvents } from '../atlas/index.ts';
import { isPast } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { JournalError } from '../journal/errors.ts';
import type { Journal } from '../journal/journal.ts';
import type { Plan } from '../plan/plan.ts';
import { approveClosing, defaultApprovalMs } from '../reconcile/approve.ts';
import { feedsOf, observeFeed } from '../reconcile/session.ts';
import { fencedTransport } from '../transport/fenced.ts';
import { Connections } from './connections.ts';
import { Emitter, messageOf } from './emitter.ts';
import { EventWatch } from './event-watch.ts';
import type { Hint, RunReason } from './events.ts';
import { FeedHub, type FeedNews } from './feed-hub.ts';
import type { Fleet, FleetEvent } from './fleet/index.ts';
import { FleetView } from './fleet/view.ts';
import { GateWatch, type GateWatchParts } from './gate-watch.ts';
import { troubles } from './health.ts';
import { feedIntervalMs } from './intervals.ts';
import { JournalKeeper } from './journal-keeper.ts';
import { ping } from './ping.ts';
import { RateLimitBook } from './rate-limits.ts';
import { Runs } from './runs.ts';
import type { GateStatus, WatchState, WatchStatus } from './status.ts';
import { Waker, within } from './waker.ts';
import type { Approving, Watch, WatchOptions } from './watch.ts';

/** The longest sleep: a clock that was set back is noticed after it. */
const longestSleepMs = 30_000;
/** So much later than expected, and the machine slept, or its clock was set. */
const jumpMs = 15_000;
/** After a jump what is overdue is spread over this time. */
const spreadMs = 15_000;
/** Kubernetes kills after 30 seconds. */
const stopWithinMs = 25_000;
const firstOpenMs = 15_000;
/** Another process works on the gate. */
const lockedRetryMs = 20_000;
/** In a fleet that may be one that was killed, whose lease ends within seconds. */
const fleetLockedRetryMs = 2_000;
/** There is no room here for a gate that the fleet hands out: this or another worker takes it then. */
const noRoomMs = 1_000;
const never = Number.NEGATIVE_INFINITY;
/** Among so many of a gate's plans the newest is looked for. */
const recentPlans = 20;

export function createWatch(options: WatchOptions): Watch {
  return new WatchDaemon(options);
}

class WatchDaemon implements Watch {
  readonly #options: WatchOptions;
  readonly #emitter: Emitter;
  readonly #waker: Waker;
  readonly #keeper: JournalKeeper;
  readonly #feeds: FeedHub;
  readonly #events: EventWatch;
  readonly #limits = new RateLimitBook();
  readonly #stopping = new AbortController();
  readonly #gates = new Map<string, GateWatch>();
  readonly #connections: Connections;
  readonly #runs: Runs;
  readonly #counts = {
    runs: 0,
    failedRuns: 0,
    writes: 0,
    restores: 0,
    hints: 0,
    reloads: 0,
    refusedConfigs: 0,
  };
  #config: Config;
  #state: WatchState = 'starting';
  #startedAtMs: number;
  #loadedAtMs: number;
  #configFault: string | undefined;
  #lastHint: WatchStatus['lastHint'];
  #lastHealthyCycleAtMs: number | undefined;
  #cycleSinceMs = never;
  /** When the loop fell asleep, and until when. */
  #asleepMs: number;
  #expectedMs: number;
  /** Since when this process has been awake: what was to be done before is late for no fault of anybody's. */
  #awakeSinceMs: number;
  #stopped: Promise<void> = Promise.resolve();
  #isTending = false;
  /** Where there is one, it says when each gate is looked at here. */
  #fleet: Fleet | undefined;
  /** What the other workers of the fleet saw. */
  #view: FleetView | undefined;

  constructor(options: WatchOptions) {
    const { clock, random, config, store } = options;
    this.#options = options;
    this.#config = config;
    this.#startedAtMs = clock.now();
    this.#loadedAtMs = clock.now();
    this.#asleepMs = clock.now();
    this.#expectedMs = clock.now() + firstOpenMs;
    this.#awakeSinceMs = clock.now();
    this.#emitter = new Emitter(() => clock.now());
    this.#waker = new Waker(clock);
    const emit = this.#emitter.emit.bind(this.#emitter);
    const fault = this.#emitter.fault.bind(this.#emitter);
    const stop = this.#stopping.signal;
    const newId = (bytes: number) => hexadecimal(bytes, random);
    this.#connections = new Connections({
      clock,
      transport: options.transport,
      credentials: options.credentials,
      config: () => this.#config,
      limits: this.#limits,
      newId,
      fault,
    });
    this.#keeper = new JournalKeeper({ store, clock, random, emit });
    this.#feeds = new FeedHub(
      {
        clock,
        random,
        emit,
        fault,
        concurrency: config.watch.concurrency,
        intervalOf: feed => feedIntervalMs(feed, this.#config),
        observe: (feed, previous) => this.#observe(feed, previous),
        lease: () => this.#keeper.lease(),
        sharedMaxAgeMs: feed => this.#sharedMaxAgeMs(feed),
        shareLeft: feed => this.#limits.shareLeft(feed, clock.now()),
        onRead: (feed, news) => this.#onRead(feed, news),
        newId: () => newId(16),
      },
      stop,
    );
    this.#events = new EventWatch(
      {
        clock,
        random,
        emit,
        intervalMs: () => this.#config.watch.eventsMs,
        readEvents: (projectId, sinceMs) => readEvents(this.#connections.atlas(), projectId, { sinceMs }),
        hint: hint => this.hint(hint),
      },
      stop,
    );
    this.#runs = new Runs({
      clock,
      concurrency: config.watch.concurrency,
      fault,
      onEnd: gate => this.#onRunEnd(gate),
      onHang: ({ name, running }) => this.#emitter.emit({ kind: 'run-hangs', gate: name, ...running! }),
    });
    this.#configure(config);
  }

  get journal(): Journal | undefined {
    return this.#keeper.current;
  }

  run({ once = false }: { readonly once?: boolean } = {}): Promise<void> {
    this.#stopped = this.#loop(once).catch(error => this.#emitter.fault('the loop', error));
    return this.#stopped;
  }

  async #loop(once: boolean): Promise<void> {
    const { clock } = this.#options;
    // The first run of each gate should know what is its own; but it does not wait for that for ever.
    await within(clock, firstOpenMs, this.#tend(), () => undefined, this.#stopping.signal);
    if (this.#state === 'starting') this.#state = 'running';
    this.#emitter.emit({ kind: 'started', gates: [...this.#gates.keys()], feeds: this.#feeds.ids });
    if (!once) this.#joinFleet();
    this.#asleepMs = clock.now();
    this.#expectedMs = this.#asleepMs;
    while (!this.#stopping.signal.aborted) {
      try {
        this.#noticeJump();
        this.#startDue(once);
      } catch (error) {
        this.#emitter.fault('the loop', error);
      }
      if (once && this.#runs.count === 0 && [...this.#gates.values()].every(({ lastRun }) => lastRun)) break;
      this.#asleepMs = clock.now();
      const sleepMs = Math.min(longestSleepMs, Math.max(0, this.#nextDueAtMs(once) - this.#asleepMs));
      this.#expectedMs = this.#asleepMs + sleepMs;
      await this.#waker.sleep(sleepMs);
    }
    await this.#end();
  }

  /** Starts whatever is due, and waits for none of it. */
  #startDue(once: boolean): void {
    if (this.#keeper.dueAtMs <= this.#options.clock.now()) void this.#tend();
    // With `once` the gates ask for what they need.
    if (!once) {
      this.#feeds.readDue();
      this.#events.readDue();
    }
    this.#runs.freeHanging();
    if (this.#fleet) return;
    const nowMs = this.#options.clock.now();
    const due = [...this.#gates.values()]
      .filter(gate => gate.dueAtMs <= nowMs && !(once && gate.lastRun))
      .sort((a, b) => Number(b.isUrgent) - Number(a.isUrgent) || a.dueAtMs - b.dueAtMs);
    for (const gate of due) void this.#runs.tryStart(gate);
  }

  #joinFleet(): void {
    if (!this.#options.fleet) return;
    this.#view = new FleetView({
      journal: () => this.#keeper.current,
      clock: this.#options.clock,
      onNews: () => this.#endCycle(),
    });
    void this.#view.keepFresh(this.#stopping.signal);
    this.#fleet = this.#options.fleet({
      gates: () => [...this.#gates.keys()],
      work: (gate, reason) => this.#workForFleet(gate, reason),
      onEvent: event => this.#tellOfFleet(event),
    });
    this.#fleet.start();
  }

  /** One gate that is this worker's for now. A cloud that hangs does not take the places of the others. */
  async #workForFleet(name: string, reason: RunReason | undefined): Promise<{ readonly nextInMs: number }> {
    const { clock } = this.#options;
    const asked = this.#gates.get(name);
    if (asked) await this.#feeds.adopt(feedsOf(this.#config, asked.config));
    const gate = this.#gates.get(name);
    const isFree = gate && !gate.isRunning && !this.#stopping.signal.aborted;
    if (!isFree || !this.#runs.isRoomFor(gate)) return { nextInMs: noRoomMs };
    if (reason !== undefined) gate.request(reason, reason === 'asked' ? clock.now() : undefined);
    await this.#runs.tryStart(gate);
    // One that hangs is left to whoever gets its lock: a job that never ended would keep this worker from all others.
    return { nextInMs: gate.isRunning ? noRoomMs : Math.max(0, gate.dueAtMs - clock.now()) };
  }

  #tellOfFleet(event: FleetEvent): void {
    if (event.kind === 'shares') this.#emitter.emit({ kind: 'fleet-shares' });
    else if (event.kind === 'alone') this.#emitter.emit({ kind: 'fleet-alone', because: event.because });
    else if (event.kind === 'fault')
      this.#emitter.emit({ kind: 'fleet-fault', because: messageOf(event.error) });
    else this.#emitter.fault(`gate ${event.gate}`, event.error);
  }

  /**
   * Half of the interval, so that it is kept. A run's reading is as old as the oldest of its feeds: none is shared
   * for longer than readings must be apart to count as two.
   */
  #sharedMaxAgeMs(feed: FeedId): number {
    if (!this.#fleet) return 0;
    const gapsMs = this.#config.gates.map(({ removal }) => removal.minReadGapMs);
    return Math.min(feedIntervalMs(feed, this.#config) / 2, ...gapsMs);
  }

  #onRunEnd(gate: GateWatch): void {
    this.#count(gate);
    void this.#view?.publish(gate.status());
    this.#endCycle();
    this.#waker.wake();
  }

  #count({ lastRun }: GateWatch): void {
    this.#counts.runs++;
    if (lastRun?.status === 'failed') this.#counts.failedRuns++;
    this.#counts.writes += lastRun?.writes.length ?? 0;
    this.#counts.restores +=
      lastRun?.writes.filter(({ kind }) => kind === 'restore' || kind === 'withdraw').length ?? 0;
  }

  #nextDueAtMs(once: boolean): number {
    const gates = (this.#fleet ? [] : [...this.#gates.values()])
      .filter(gate => !(once && gate.lastRun) && this.#runs.isRoomFor(gate))
      .map(({ dueAtMs }) => dueAtMs);
    const others = once ? [] : [this.#feeds.nextDueAtMs(), this.#events.nextDueAtMs()];
    // Opened by and by: what is due while it is being opened is due when it has been.
    const journal = this.#isTending ? Number.POSITIVE_INFINITY : this.#keeper.dueAtMs;
    return Math.min(...gates, ...others, journal, Number.POSITIVE_INFINITY);
  }

  async #tend(): Promise<void> {
    if (this.#isTending) return;
    this.#isTending = true;
    try {
      await this.#keeper.tend();
    } catch (error) {
      this.#emitter.fault('the journal', error);
    } finally {
      this.#isTending = false;
      this.#waker.wake();
    }
  }

  /** A clock that was set back would make everything wait; one that went ahead makes everything due at once. */
  #noticeJump(): void {
    const nowMs = this.#options.clock.now();
    const byMs = nowMs < this.#asleepMs ? nowMs - this.#asleepMs : nowMs - this.#expectedMs;
    if (nowMs >= this.#asleepMs && byMs <= jumpMs) return;
    this.#emitter.emit({ kind: 'clock-jumped', byMs });
    if (byMs < 0) {
      this.#feeds.shift(byMs);
      this.#events.shift(byMs);
      this.#keeper.shift(byMs);
      for (const gate of this.#gates.values()) gate.shift(byMs);
      this.#cycleSinceMs += byMs;
      this.#startedAtMs += byMs;
      this.#awakeSinceMs += byMs;
      return;
    }
    this.#awakeSinceMs = nowMs;
    this.#feeds.spread(spreadMs);
    this.#events.spread(spreadMs);
    for (const gate of this.#gates.values()) gate.spread(spreadMs);
  }

  #onRead(feed: FeedId, { isChanged, isWholeAgain }: FeedNews): void {
    if (isChanged || isWholeAgain) this.#requestGates('feed-changed', gate => gate.uses(feed));
    this.#waker.wake();
  }

  #requestGates(reason: RunReason, isMeant: (gate: GateWatch) => boolean, freshSinceMs?: number): void {
    for (const gate of this.#gates.values()) {
      // Before its first run a gate is due anyway; what a fleet's gate is due at, this worker does not know.
      if (isMeant(gate) && (gate.lastRun || this.#fleet)) this.#request(gate, reason, freshSinceMs);
    }
  }

  #request(gate: GateWatch, reason: RunReason, freshSinceMs?: number): void {
    gate.request(reason, freshSinceMs);
    void this.#fleet?.hint(gate.name, reason);
  }

  hint(hint: Hint): void {
    const { clock } = this.#options;
    this.#counts.hints++;
    this.#lastHint = { source: hint.source, atMs: clock.now() };
    const { minGapMs } = this.#config.watch;
    const ids = this.#feeds.ids.filter(
      id => hint.projectId === undefined || id === 'control-plane' || id === `nodes:${hint.projectId}`,
    );
    const reads = ids.map(id => this.#feeds.hurry(id, minGapMs)).some(Boolean);
    // Trouble with a key may come of the gate as well as of a feed.
    for (const gate of this.#gates.values()) {
      const isMeant = hint.projectId === undefined || gate.config.projects.includes(hint.projectId);
      if (isMeant && clock.now() - gate.endedAtMs >= minGapMs) this.#request(gate, 'hint');
    }
    this.#emitter.emit({ kind: 'hinted', hint, reads });
    this.#waker.wake();
  }

  syncNow(gate?: string): void {
    if (gate !== undefined) this.#gateOf(gate);
    const nowMs = this.#options.clock.now();
    for (const each of this.#gates.values()) {
      if (gate === undefined || each.name === gate) this.#request(each, 'asked', nowMs);
    }
    this.#waker.wake();
  }

  async planOf(name: string): Promise<Plan | undefined> {
    const gate = this.#gates.get(name);
    const newest = gate && this.#newestOf(gate);
    if (!newest?.id || gate?.plan?.checksum === newest.planChecksum) return gate?.plan;
    // Another worker made it. The journal keeps each that would write something else than the one before.
    const kept = await this.#keeper.current?.plans({ gateId: newest.id, limit: recentPlans });
    const other = kept?.find(({ checksum }) => checksum === newest.planChecksum);
    // Where it lacks that one, there is none to give: ours is older than what the gate's status says.
    return other && JSON.parse(other.json);
  }

  async approve(gate: string, { by, reason, expiresInMs = defaultApprovalMs }: Approving): Promise<void> {
    const watched = this.#gateOf(gate);
    const { closing, id, planChecksum } = this.#newestOf(watched);
    if (id === undefined || planChecksum === undefined || closing.length === 0) {
      throw new RangeError(`Gate ${gate} has nothing to approve: its newest plan would remove nothing.`);
    }
    const journal = this.#keeper.current;
    if (!journal) {
      throw new JournalError(
        'The approval cannot be kept: the journal cannot be used.',
        'Mend the journal, and approve again.',
      );
    }
    const atMs = this.#options.clock.now();
    const plan = { gate: { id, name: gate }, checksum: planChecksum };
    await approveClosing(journal, plan, closing, { by, reason, atMs, expiresInMs });
    this.#emitter.emit({ kind: 'approved', gate, by, reason, addresses: closing });
    this.syncNow(gate);
  }

  reload(config: Config): void {
    const before = new Map([...this.#gates].map(([name, gate]) => [name, JSON.stringify(gate.config)]));
    const old = this.#config;
    this.#config = config;
    this.#configFault = undefined;
    this.#loadedAtMs = this.#options.clock.now();
    this.#counts.reloads++;
    this.#connections.renew();
    this.#configure(config);
    this.#shorten(old);
    if (JSON.stringify(old.static) !== JSON.stringify(config.static)) {
      this.#feeds.forget('static');
      this.#requestGates('feed-changed', () => true);
    }
    if (JSON.stringify(old.atlas) !== JSON.stringify(config.atlas)) {
      for (const feed of this.#feeds.ids) this.#feeds.hurry(feed, 0);
    }
    const after = new Map(config.gates.map(gate => [gate.name, JSON.stringify(gate)]));
    const names = (isMeant: (name: string) => boolean) =>
      [...new Set([...before.keys(), ...after.keys()])].filter(isMeant);
    this.#emitter.emit({
      kind: 'config-reloaded',
      added: names(name => !before.has(name)),
      removed: names(name => !after.has(name)),
      changed: names(name => before.has(name) && after.has(name) && before.get(name) !== after.get(name)),
      untouched: names(name => before.has(name) && before.get(name) === after.get(name)),
    });
    this.#waker.wake();
  }

  refuseConfig(message: string): void {
    if (this.#configFault === message) return;
    this.#configFault = message;
    this.#counts.refusedConfigs++;
    this.#emitter.emit({ kind: 'config-refused', message });
  }

  fault(where: string, error: unknown): void {
    this.#emitter.fault(where, error);
  }

  subscribe(...args: Parameters<Watch['subscribe']>): () => void {
    return this.#emitter.subscribe(...args);
  }

  stop(because: string): Promise<void> {
    if (!this.#stopping.signal.aborted) {
      this.#state = 'stopping';
      this.#emitter.emit({ kind: 'stopping', because, inHand: this.#runs.count });
      this.#stopping.abort(new Error(because));
      this.#waker.wake();
    }
    return this.#stopped;
  }

  /** What is in hand ends by itself, or the next process settles it: every write is journalled before it is sent. */
  async #end(): Promise<void> {
    const { clock } = this.#options;
    const inHand = [this.#runs.ended(), this.#fleet?.stop()];
    await within(clock, stopWithinMs, Promise.all(inHand), () => undefined);
    this.#stopping.abort(new Error('stopped'));
    const unfinished = this.#runs.count;
    await within(clock, stopWithinMs, this.#keeper.close(), () => undefined);
    this.#state = 'stopped';
    this.#emitter.emit({ kind: 'stopped', unfinished });
  }

  /** Once every gate was looked at since the last time: whether all is well, and who hears of it. */
  #endCycle(): void {
    if (!this.#allLookedAt(this.#cycleSinceMs) || this.#gates.size === 0) return;
    const { clock } = this.#options;
    this.#cycleSinceMs = clock.now();
    const because = troubles(this.status());
    this.#emitter.emit({ kind: 'cycle-ended', healthy: because.length === 0, because });
    if (because.length > 0) return;
    this.#lastHealthyCycleAtMs = clock.now();
    void this.#ping();
  }

  async #ping(): Promise<void> {
    try {
      const url = this.#options.pingUrl?.(this.#config);
      if (url === undefined) return;
      const because = await ping(this.#connections.transport('read-only'), url);
      if (because !== undefined) this.#emitter.emit({ kind: 'ping-failed', because });
    } catch (error) {
      this.#emitter.emit({ kind: 'ping-failed', because: messageOf(error) });
    }
  }

  /** Asked at each run's end, so it makes no status of any gate. */
  #allLookedAt(sinceMs: number): boolean {
    const nowMs = this.#options.clock.now();
    for (const { name, lastRun } of this.#gates.values()) {
      const own = lastRun && isPast(lastRun.endedAtMs, nowMs) ? lastRun.endedAtMs : never;
      const endedAtMs = Math.max(own, this.#view?.endedAtMs(name) ?? never);
      if (endedAtMs === never || endedAtMs < sinceMs) return false;
    }
    return true;
  }

  status(): WatchStatus {
    return {
      state: this.#state,
      nowMs: this.#options.clock.now(),
      startedAtMs: this.#startedAtMs,
      config: { path: this.#config.path, loadedAtMs: this.#loadedAtMs, fault: this.#configFault },
      journal: this.#keeper.status(),
      feeds: this.#feeds.status(),
      gates: this.#gateStatuses(),
      totals: {
        ...this.#connections.usage(),
        feedReads: this.#feeds.reads,
        incompleteReads: this.#feeds.incompleteReads,
        ...this.#counts,
        journalFailures: this.#keeper.failures,
        internalFaults: this.#emitter.faults,
      },
      rateLimits: this.#limits.list(),
      lastHint: this.#lastHint,
      lastHealthyCycleAtMs: this.#lastHealthyCycleAtMs,
    };
  }

  /** In a fleet, as whoever looked at them last left them. */
  #gateStatuses(): readonly GateStatus[] {
    const nowMs = this.#options.clock.now();
    // Whoever asks may do so before the loop has noticed that the machine slept.
    const awakeSinceMs = nowMs - this.#expectedMs > jumpMs ? nowMs : this.#awakeSinceMs;
    return [...this.#gates.values()].map(gate => {
      const newest = this.#newestOf(gate);
      return { ...newest, nextAtMs: Math.max(newest.nextAtMs, awakeSinceMs) };
    });
  }

  #newestOf(gate: GateWatch): GateStatus {
    const own = gate.status();
    return this.#view?.newest(own) ?? own;
  }

  /** Gates whose config is the same stay as they are, with their times and their back-off. */
  #configure(config: Config): void {
    const parts = this.#gateParts();
    const kept = new Map(this.#gates);
    this.#gates.clear();
    for (const gate of config.gates) {
      const known = kept.get(gate.name);
      const isSame = known && JSON.stringify(known.config) === JSON.stringify(gate);
      this.#gates.set(gate.name, isSame ? known : new GateWatch(gate, parts));
      if (!isSame) void this.#fleet?.hint(gate.name, 'start');
    }
    for (const gate of kept.values()) if (this.#gates.get(gate.name) !== gate) gate.retire();
    const { concurrency } = config.watch;
    this.#runs.concurrency = concurrency;
    const feeds = new Set(config.gates.flatMap(gate => feedsOf(config, gate)));
    this.#feeds.configure([...feeds], concurrency);
    this.#events.configure([...new Set(config.gates.flatMap(({ projects }) => projects))]);
  }

  /** What is looked at more often from now on does not wait for as long as it was to before. */
  #shorten(old: Config): void {
    const nowMs = this.#options.clock.now();
    const config = this.#config;
    for (const feed of this.#feeds.ids) {
      const intervalMs = feedIntervalMs(feed, config);
      if (intervalMs < feedIntervalMs(feed, old)) this.#feeds.dueBy(feed, nowMs + intervalMs);
    }
    const { gatesMs } = config.watch;
    if (gatesMs >= old.watch.gatesMs) return;
    for (const gate of this.#gates.values()) gate.dueBy(nowMs + gatesMs);
  }

  #gateParts(): GateWatchParts {
    const { clock, random, by, command, openGate } = this.#options;
    return {
      clock,
      random,
      by,
      command,
      feeds: this.#feeds,
      stop: this.#stopping.signal,
      config: () => this.#config,
      client: () => this.#connections.atlas(),
      openGate: (gate, fence) => {
        const transport = this.#connections.transport(gate.policy === 'observe' ? 'read-only' : 'read-write');
        return openGate(gate, fencedTransport(transport, fence.refusal));
      },
      lease: () => this.#keeper.lease(),
      signs: (projects, sinceMs) => this.#events.signs(projects, sinceMs),
      emit: happening => this.#emitter.emit(happening),
      newRunId: () => hexadecimal(4, random),
      lockedRetryMs: () => (this.#fleet ? fleetLockedRetryMs : lockedRetryMs),
    };
  }

  async #observe(feed: FeedId, previous: Parameters<typeof observeFeed>[1]) {
    const { clock, random } = this.#options;
    const client = this.#connections.atlas();
    const parts = { client, config: this.#config, clock, id: hexadecimal(16, random) };
    const observation = await observeFeed(feed, previous, parts);
    if (observation.faults.some(({ kind }) => kind === 'refused')) this.#connections.forgetAtlas();
    return observation;
  }

  #gateOf(name: string): GateWatch {
    const gate = this.#gates.get(name);
    if (gate) return gate;
    throw new RangeError(
      `There is no gate ${name}. The config names: ${[...this.#gates.keys()].join(', ')}.`,
    );
  }
}

function hexadecimal(bytes: number, random: () => number): string {
  return Array.from({ length: bytes }, () =>
    Math.floor(random() * 256)
      .toString(16)
      .padStart(2, '0'),
  ).join('');
}
