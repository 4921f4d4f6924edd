/**
 * Brings notices to channels. At least once: what a channel did not take is sent again on a later flush, in
 * order, until it is too old to matter. Nothing that a channel does reaches the caller as an exception.
 */
import { type Clock, msLeft } from '../clock.ts';
import { type Attributes, inSpan } from '../telemetry/span.ts';
import { rank } from './alerts.ts';
import type { Channel } from './channels/channel.ts';
import type { Notice } from './situation.ts';

/** A message older than this would only confuse. */
const maxAgeMs = 24 * 60 * 60_000;
const maxQueued = 200;
const firstWaitMs = 30_000;
const maxWaitMs = 30 * 60_000;

export interface NotifierOptions {
  readonly channels: readonly Channel[];
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  /** Asked before each notice is sent; absent: it always may be. */
  maySend?(): boolean;
  /** Told of each failure and each success after one, for the log and the metrics. */
  onDelivery?(delivery: Delivery): void;
}

export const deliveryOutcomes = ['delivered', 'failed', 'given-up'] as const;

export interface Delivery {
  readonly channel: string;
  readonly notice: Notice;
  readonly outcome: (typeof deliveryOutcomes)[number];
  readonly because?: string;
}

/** What is not delivered yet, by channel: kept in the journal over a restart. */
export type Backlog = Readonly<Record<string, readonly Notice[]>>;

interface Queue {
  channel: Channel;
  notices: readonly Notice[];
  /** Under way: it may be told already. */
  sending: Notice | undefined;
  failures: number;
  notBeforeMs: number;
  /** One flush after another. */
  flushing: Promise<void>;
}

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #queues = new Map<string, Queue>();

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.use(options.channels);
  }

  /** From now on these are the channels. What waits goes to the one of the same name, which may be tried at once. */
  use(channels: readonly Channel[]): void {
    const before = new Map(this.#queues);
    this.#queues.clear();
    for (const channel of channels) {
      const queue = before.get(channel.name) ?? emptyQueue(channel);
      this.#queues.set(channel.name, Object.assign(queue, { channel, failures: 0, notBeforeMs: 0 }));
      before.delete(channel.name);
    }
    for (const [name, queue] of before)
      this.#giveUp(name, queue, queue.notices, 'the config no longer names it');
  }

  get channels(): readonly string[] {
    return [...this.#queues.keys()];
  }

  get backlog(): Backlog {
    return Object.fromEntries([...this.#queues].map(([name, { notices }]) => [name, notices]));
  }

  /** Takes notices for every channel that is told of their severity. */
  add(notices: readonly Notice[]): void {
    for (const [name, queue] of this.#queues) {
      for (const notice of notices) {
        if (rank(notice.situation.severity) < rank(queue.channel.from)) continue;
        queue.notices = enqueue(queue, notice);
        this.#bound(name, queue);
      }
    }
  }

  /** What waits is this from now on. What a channel is at goes on: it may be told already. */
  replace(backlog: Backlog): void {
    for (const [name, queue] of this.#queues) {
      queue.notices = backlog[name] ?? [];
      this.#bound(name, queue);
    }
  }

  /**
   * Sends what is due, channels side by side, each in order. Resolves once every channel has taken what it takes,
   * which may be minutes for one that is slow. Never throws.
   */
  async flush(): Promise<void> {
    await Promise.all(
      [...this.#queues].map(([name, queue]) => {
        queue.flushing = queue.flushing.then(() => this.#flushChannel(name, queue));
        return queue.flushing;
      }),
    );
  }

  async #flushChannel(name: string, queue: Queue): Promise<void> {
    const { clock, random, maySend } = this.#options;
    if (msLeft(queue.notBeforeMs, clock.now(), maxWaitMs) > 0) return;
    while (queue.notices.length > 0 && maySend?.() !== false) {
      const notice = queue.notices[0]!;
      if (clock.now() - notice.atMs > maxAgeMs) {
        this.#giveUp(name, queue, [notice], 'it is a day old');
        continue;
      }
      queue.sending = notice;
      try {
        const { channel } = queue;
        await inSpan('notify.send', attributesOf(channel, notice), () => channel.send(notice));
        queue.failures = 0;
        this.#drop(queue, notice);
        this.#tell({ channel: name, notice, outcome: 'delivered' });
      } catch (error) {
        queue.failures++;
        const waitMs = Math.min(maxWaitMs, firstWaitMs * 2 ** (queue.failures - 1)) * (0.5 + random() / 2);
        queue.notBeforeMs = clock.now() + waitMs;
        const because = error instanceof Error ? error.message : String(error);
        this.#tell({ channel: name, notice, outcome: 'failed', because });
        return;
      } finally {
        queue.sending = undefined;
      }
    }
  }

  /** A queue does not grow for ever. */
  #bound(channel: string, queue: Queue): void {
    this.#giveUp(channel, queue, tooMany(queue), `more than ${maxQueued} wait`);
  }

  #giveUp(channel: string, queue: Queue, notices: readonly Notice[], because: string): void {
    for (const notice of notices) {
      this.#drop(queue, notice);
      this.#tell({ channel, notice, outcome: 'given-up', because });
    }
  }

  /** The queue may have changed while the channel was at it, and hold the same notice as the journal had it. */
  #drop(queue: Queue, { id }: Notice): void {
    queue.notices = queue.notices.filter(each => each.id !== id);
  }

  #tell(delivery: Delivery): void {
    try {
      this.#options.onDelivery?.(delivery);
    } catch {
      // Who listens must not be able to stop the messages.
    }
  }
}

function emptyQueue(channel: Channel): Queue {
  return {
    channel,
    notices: [],
    sending: undefined,
    failures: 0,
    notBeforeMs: 0,
    flushing: Promise.resolve(),
  };
}

function attributesOf({ name, kind }: Channel, { situation, kind: what }: Notice): Attributes {
  return {
    'postern.channel': name,
    'postern.channel_kind': kind,
    'postern.notice': what,
    'postern.situation': situation.id,
    'postern.severity': situation.severity,
    'postern.gate': situation.gate,
  };
}

/**
 * Who was never told that it began need not be told that it is over. What was told before still ends: only what came
 * since the untold beginning goes.
 */
function enqueue({ notices, sending }: Queue, notice: Notice): readonly Notice[] {
  if (notice.kind !== 'resolved') return [...notices, notice];
  const isOfIt = ({ kind, situation: { key } }: Notice) => key === notice.situation.key && kind !== 'event';
  const untold = notices.findIndex(each => each.id !== sending?.id && each.kind === 'opened' && isOfIt(each));
  if (untold === -1) return [...notices, notice];
  return notices.filter((each, index) => index < untold || !isOfIt(each));
}

/** The mildest goes first, and of those the oldest; what the channel is at waits no more. */
function tooMany({ notices, sending }: Queue): readonly Notice[] {
  const waiting = notices.filter(({ id }) => id !== sending?.id);
  return waiting
    .sort((a, b) => rank(a.situation.severity) - rank(b.situation.severity))
    .slice(0, Math.max(0, waiting.length - maxQueued));
}

/** What waits in either; a notice that waits in both waits once. */
export function joined(one: Backlog, other: Backlog): Backlog {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return Object.fromEntries(
    [...names].map(name => {
      const all = [...(one[name] ?? []), ...(other[name] ?? [])];
      return [name, [...new Map(all.map(notice => [notice.id, notice])).values()]];
    }),
  );
}
