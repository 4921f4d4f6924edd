/**
 * Watches the daemon and tells people: its state as alerts that open and end, its writes as events. It only
 * listens; nothing that it does, and no channel, can hold the daemon up.
 */
import { type Clock, msLeft } from '../clock.ts';
import type { WatchEvent } from '../watch/events.ts';
import { within } from '../watch/waker.ts';
import type { Watch } from '../watch/watch.ts';
import { type Alert, type AlertTiming, advanceAlerts } from './alerts.ts';
import type { Channel } from './channels/channel.ts';
import type { FleetTelling, Turn } from './fleet-telling.ts';
import { noticeOfEvent } from './happenings.ts';
import { type Backlog, type Delivery, joined, Notifier } from './notifier.ts';
import type { Notice, Situation } from './situation.ts';
import { situationsOf } from './situations.ts';
import { memoryOf, type TellerMemory } from './teller-memory.ts';
import { isUnseen } from './unseen.ts';

export interface TellerOptions {
  readonly watch: Pick<Watch, 'status' | 'subscribe'>;
  readonly channels: readonly Channel[];
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly timing?: AlertTiming;
  /** What was remembered; undefined when that is nothing. Throws while the journal cannot be read. */
  recall(): Promise<unknown>;
  /** May fail: then it is tried again, and the telling goes on. */
  remember(memory: TellerMemory): Promise<void>;
  onDelivery?(delivery: Delivery): void;
  /** Told of what should not happen; the telling goes on. */
  onFault?(error: unknown): void;
  /** Where workers share the gates: which of them tells. */
  readonly fleet?: Pick<FleetTelling, 'turn' | 'isOurs' | 'share' | 'others' | 'release'>;
}

/** The daemon's state is looked at this often, also when nothing happens: time alone can make a situation. */
const lookMs = 30_000;
/** A look goes over all gates: where many runs end, not each of them has one of its own. */
const lookGapMs = 1_000;
/** What a channel has not taken by then is in the journal, and told by the next process. */
const stopWithinMs = 10_000;

/** What this worker sees itself. */
interface Sight {
  readonly situations: readonly Situation[];
  /** Whether it cannot tell of a situation that it does not see. */
  isUnseen(situation: Situation): boolean;
}

export class Teller {
  readonly #options: TellerOptions;
  #alerts: readonly Alert[] = [];
  readonly #notifier: Notifier;
  #remembered = '';
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #isLookDue = false;
  #isRecalled = false;
  #unsubscribe = () => {};
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #looking: Promise<void> = Promise.resolve();
  #keeping: Promise<void> = Promise.resolve();
  #isKeepDue = false;
  #hasStopped = false;
  /** Whose turn it was at the last look; without a fleet it is always ours. */
  #turn: Turn;
  /** Opened while this worker could not know of the others, and not known to the one that tells yet. */
  #openedAlone: readonly Alert[] = [];
  /** The keys of what this worker saw itself, now or before. */
  readonly #ownKeys = new Set<string>();
  /** Key → the channels that took it from this worker alone, and did not take its end yet. */
  readonly #saidAlone = new Map<string, Set<string>>();

  constructor(options: TellerOptions) {
    this.#options = options;
    this.#turn = options.fleet ? 'theirs' : 'ours';
    const { channels, clock, random } = options;
    this.#notifier = new Notifier({
      channels,
      clock,
      random,
      maySend: () => !this.#hasStopped && !this.#isOverdue,
      onDelivery: delivery => this.#onDelivery(delivery),
    });
  }

  /** What is open now, for the API and the metrics: of the whole fleet, where there is one. */
  get alerts(): readonly Alert[] {
    return this.#alerts;
  }

  /** The names of those that tell now. */
  get channels(): readonly string[] {
    return this.#notifier.channels;
  }

  /** From now on these tell; what waits goes to those of the same name. */
  use(channels: readonly Channel[]): void {
    this.#notifier.use(channels);
    void this.#notifier.flush();
  }

  /** Starts listening. Never throws. */
  async start(): Promise<void> {
    this.#unsubscribe = this.#options.watch.subscribe(event => this.#onEvent(event));
    this.#running = this.#lookNowAndThen();
  }

  /** Tells what is to be told still, as far as that can be done soon, and stops. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#stopping.abort();
    await within(this.#options.clock, stopWithinMs, this.#tellTheRest(), () => undefined);
    this.#hasStopped = true;
    await this.#options.fleet?.release();
  }

  async #tellTheRest(): Promise<void> {
    await this.#running;
    await this.#look();
    await this.#notifier.flush();
    await this.#keep();
  }

  #onDelivery(delivery: Delivery): void {
    const { notice, outcome } = delivery;
    if (outcome === 'delivered' && this.#turn === 'alone') this.#note(delivery);
    // A channel was at it when another took over, who may know nothing of it, and is to end it.
    if (outcome === 'delivered' && this.#turn === 'theirs')
      this.#openedAlone = withUnknown(this.#openedAlone, openedBy(notice));
    if (outcome !== 'failed') void this.#keep();
    this.#options.onDelivery?.(delivery);
  }

  #note({ channel, notice: { kind, situation } }: Delivery): void {
    if (kind === 'event') return;
    const said = this.#saidAlone.get(situation.key) ?? new Set();
    if (kind === 'resolved') said.delete(channel);
    else said.add(channel);
    if (said.size > 0) this.#saidAlone.set(situation.key, said);
    else this.#saidAlone.delete(situation.key);
  }

  #onEvent(event: WatchEvent): void {
    // The journal is closed next; what lasts is for the others to tell from now on.
    if (event.kind === 'stopping') void this.#options.fleet?.release();
    const notice = noticeOfEvent(event);
    if (notice) this.#notifier.add([notice]);
    if (event.kind === 'removal-restored' || event.kind === 'first-write-withdrawn') void this.#look();
    // A run has ended: what it found is told now, not at the next look.
    if (event.kind === 'run-ended') void this.#lookSoon();
  }

  async #lookSoon(): Promise<void> {
    if (this.#isLookDue) return;
    this.#isLookDue = true;
    const { clock } = this.#options;
    const waitMs = msLeft(this.#lookedAtMs + lookGapMs, clock.now(), lookGapMs);
    if (waitMs > 0) await clock.sleep(waitMs, this.#stopping.signal).catch(() => {});
    this.#isLookDue = false;
    await this.#look();
  }

  async #lookNowAndThen(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#look();
      await clock.sleep(lookMs, signal).catch(() => {});
    }
  }

  /** One after another. Never throws. */
  #look(): Promise<void> {
    const { clock, onFault } = this.#options;
    this.#lookedAtMs = clock.now();
    this.#looking = this.#looking.then(() => this.#lookOnce()).catch(error => onFault?.(error));
    return this.#looking;
  }

  async #lookOnce(): Promise<void> {
    const { watch, fleet } = this.#options;
    const status = watch.status();
    // One that begins has not opened its journal yet, and one that ends has closed it: that is no situation.
    if (status.state !== 'running') return await this.#lookAtTheEnds();
    const own: Sight = {
      situations: situationsOf(status),
      isUnseen: situation => isUnseen(situation, status),
    };
    for (const { key } of own.situations) this.#ownKeys.add(key);
    if (fleet) await this.#lookInFleet(fleet, own);
    else await this.#lookByItself(own);
  }

  async #lookAtTheEnds(): Promise<void> {
    if (this.#isOverdue) this.#leaveToAnother();
    await this.#send();
  }

  /** The first look with a journal knows what was told before a restart; until then nothing is kept over that. */
  async #lookByItself(own: Sight): Promise<void> {
    if (!this.#isRecalled) {
      try {
        this.#goOnFrom(await this.#recall());
        this.#isRecalled = true;
      } catch {
        return await this.#advanceAlone(own);
      }
    }
    await this.#advance(own.situations, own.isUnseen);
  }

  async #recall(): Promise<TellerMemory | undefined> {
    return memoryOf(await this.#options.recall());
  }

  #goOnFrom(memory: TellerMemory | undefined): void {
    this.#alerts = withUnknown(memory?.alerts ?? [], this.#openedAlone);
    this.#openedAlone = [];
    this.#saidAlone.clear();
    this.#notifier.replace(joined(memory?.backlog ?? {}, this.#notifier.backlog));
    this.#remembered = '';
  }

  /** @param isUnseen which situations may last though they are not seen: their alerts stay as they are */
  async #advance(situations: readonly Situation[], isUnseen: Sight['isUnseen']): Promise<void> {
    const { clock, timing } = this.#options;
    const seen = new Set(situations.map(({ key }) => key));
    const untouched = this.#alerts.filter(({ situation }) => !seen.has(situation.key) && isUnseen(situation));
    const known = this.#alerts.filter(alert => !untouched.includes(alert));
    const { alerts, notices } = advanceAlerts(known, situations, clock.now(), timing);
    this.#alerts = [...untouched, ...alerts];
    this.#notifier.add(notices);
    await this.#send();
  }

  /** A look waits for no channel: what each of them takes later is kept when it has. */
  async #send(): Promise<void> {
    void this.#notifier.flush();
    await this.#keep();
  }

  /** It was our turn, and may be another's by now: whether what waits is sent or left, the next look knows. */
  get #isOverdue(): boolean {
    return this.#turn === 'ours' && this.#options.fleet?.isOurs === false;
  }

  /** Never throws: what the journal did not give is had at the next look. */
  async #lookInFleet(fleet: NonNullable<TellerOptions['fleet']>, own: Sight): Promise<void> {
    const turn = await fleet.turn();
    try {
      if (turn === 'alone') await this.#tellAlone(own);
      else if (turn === 'theirs') await this.#handOver(fleet, own);
      else await this.#tellForAll(fleet, own);
    } catch {
      void this.#notifier.flush();
    }
  }

  async #tellForAll(fleet: NonNullable<TellerOptions['fleet']>, own: Sight): Promise<void> {
    if (this.#turn !== 'ours') {
      this.#goOnFrom(await this.#recall());
      this.#turn = 'ours';
    }
    const others = await fleet.others();
    this.#alerts = withUnknown(
      this.#alerts,
      others.flatMap(({ opened }) => opened),
    );
    const situations = [...own.situations, ...others.flatMap(each => each.situations)];
    await this.#advance(situations, own.isUnseen);
  }

  /** Only what happened to this worker's own runs is told here. */
  async #handOver(fleet: NonNullable<TellerOptions['fleet']>, own: Sight): Promise<void> {
    const alerts = (await this.#recall())?.alerts ?? [];
    if (this.#turn !== 'theirs') this.#leaveToAnother();
    this.#alerts = alerts;
    const known = keysOf(alerts);
    this.#openedAlone = this.#openedAlone.filter(({ situation }) => !known.has(situation.key));
    await fleet.share({
      atMs: this.#options.clock.now(),
      situations: own.situations,
      opened: this.#openedAlone,
    });
    void this.#notifier.flush();
  }

  /**
   * What lasts and waits to be sent is in the journal, or seen by the one that tells: from here it would come after
   * that one's word of its end. Of what was opened alone, that one ends what somebody was told, and not the rest.
   */
  #leaveToAnother(): void {
    const { backlog } = this.#notifier;
    this.#openedAlone = withUnknown(this.#openedAlone, endedIn(backlog)).filter(({ situation }) =>
      this.#saidAlone.has(situation.key),
    );
    this.#saidAlone.clear();
    this.#notifier.replace(eventsOf(backlog));
    this.#turn = 'theirs';
  }

  /** Nobody knows what the others tell: better twice than not at all. */
  async #tellAlone(own: Sight): Promise<void> {
    this.#turn = 'alone';
    await this.#advanceAlone(own);
  }

  /** What only others see is not over because this worker does not see it. */
  async #advanceAlone(own: Sight): Promise<void> {
    const [before, openedAlone] = [keysOf(this.#alerts), keysOf(this.#openedAlone)];
    const isUnseen = (situation: Situation) => !this.#ownKeys.has(situation.key) || own.isUnseen(situation);
    await this.#advance(own.situations, isUnseen);
    this.#openedAlone = this.#alerts.filter(
      ({ situation: { key } }) => openedAlone.has(key) || !before.has(key),
    );
  }

  /** One write to the journal at a time, each of what is so when it begins. Never throws. */
  #keep(): Promise<void> {
    if (this.#isKeepDue) return this.#keeping;
    this.#isKeepDue = true;
    this.#keeping = this.#keeping.then(() => {
      this.#isKeepDue = false;
      return this.#keepNow();
    });
    return this.#keeping;
  }

  async #keepNow(): Promise<void> {
    const { fleet, remember } = this.#options;
    // By now it may be another's.
    if (this.#hasStopped) return;
    // Before it was recalled there is nothing to keep; in a fleet only the one that tells keeps it.
    if (fleet ? !fleet.isOurs || this.#turn !== 'ours' : !this.#isRecalled) return;
    const memory = { alerts: this.#alerts, backlog: this.#notifier.backlog };
    const text = JSON.stringify(memory);
    if (text === this.#remembered) return;
    try {
      await remember(memory);
      this.#remembered = text;
    } catch {
      // Tried again at the next look; the journal tells of its own troubles.
    }
  }
}

function withUnknown(alerts: readonly Alert[], more: readonly Alert[]): readonly Alert[] {
  const byKey = new Map([...more, ...alerts].map(alert => [alert.situation.key, alert]));
  return [...byKey.values()];
}

function keysOf(alerts: readonly Alert[]): ReadonlySet<string> {
  return new Set(alerts.map(({ situation }) => situation.key));
}

/** What is over, and not said to be over yet. */
function endedIn(backlog: Backlog): readonly Alert[] {
  return Object.values(backlog)
    .flat()
    .filter(({ kind }) => kind === 'resolved')
    .map(notice => ({ ...alertOf(notice), clearSinceMs: notice.atMs }));
}

/** What somebody knows of by this notice, and knows no end of. */
function openedBy(notice: Notice): readonly Alert[] {
  return notice.kind === 'event' || notice.kind === 'resolved' ? [] : [alertOf(notice)];
}

function alertOf({ situation, atMs, sinceMs }: Notice): Alert {
  return { situation, openedAtMs: sinceMs, lastToldAtMs: atMs, clearSinceMs: null };
}

function eventsOf(backlog: Backlog): Backlog {
  return Object.fromEntries(
    Object.entries(backlog).map(([name, notices]) => [name, notices.filter(({ kind }) => kind === 'event')]),
  );
}
