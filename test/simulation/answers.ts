/**
 * What Atlas has answered, kept by the judge and not by Postern: which complete answers there were of each
 * feed, and since when they lack an address.
 */
import type { FeedId } from '../../src/address/address.ts';
import type { Delivered } from './network.ts';

interface Absence {
  /** By the clock of the machine that Postern runs on. */
  readonly sinceMs: number;
  /** By the true time. */
  readonly trueSinceMs: number;
  readonly reads: number;
  readonly lastMs: number;
}

/** The addresses of one answer, or false when it was not complete. */
type Listed = ReadonlySet<string> | false;

interface Heard {
  readonly order: number;
  /** By the true time. */
  readonly atMs: number;
  readonly listed: Listed;
}

interface FeedAnswers {
  /** What each of the last runs was told, the newest last. */
  readonly runs: Map<number, Heard[]>;
  readonly absent: Map<string, Absence>;
  readonly everListed: Set<string>;
}

/** Readings closer together than this count as one (`minReadGapMs` of the policy). */
const minReadGapMs = 60_000;

/** A command of the operator's may run beside the daemon. */
const keptRuns = 8;
/** A run of the daemon's goes by answers that came before it or while it was under way. */
const keptAnswers = 40;

export class Answers {
  readonly #feeds = new Map<FeedId, FeedAnswers>();
  /** Both answers that a project's nodes are read by, of each reading in hand. */
  readonly #halves = new Map<string, { addresses?: readonly string[] | false; clusters?: boolean }>();
  /** What each run was last told of each project's key: whether Atlas calls it valid; false for no such answer. */
  readonly #verdicts = new Map<string, boolean>();
  #trueMs = 0;
  /** How many answers there were. */
  count = 0;

  feed(feed: FeedId): FeedAnswers {
    let answers = this.#feeds.get(feed);
    if (!answers) {
      answers = { runs: new Map(), absent: new Map(), everListed: new Set() };
      this.#feeds.set(feed, answers);
    }
    return answers;
  }

  /**
   * @param run which run of Postern asked
   * @param machineMs the time on the clock of the machine that it runs on
   * @param trueMs the true time
   */
  note({ service, path, fault, delivery }: Delivered, run: number, machineMs: number, trueMs: number): void {
    this.#trueMs = trueMs;
    if (service !== 'atlas') return;
    const isGood =
      delivery.kind === 'whole' &&
      delivery.status === 200 &&
      (fault === undefined || fault.outcome === 'well-formed');
    if (path.endsWith('/controlPlaneIPAddresses')) {
      this.#take('control-plane', run, machineMs, isGood && controlPlaneOf(JSON.parse(delivery.body)));
      return;
    }
    const key = /\/groups\/([0-9a-f]{24})\/encryptionAtRest$/.exec(path);
    if (key) {
      this.#verdicts.set(`${run} ${key[1]}`, isGood && isCalledValid(JSON.parse(delivery.body)));
      return;
    }
    const project = /\/groups\/([0-9a-f]{24})\/(ipAddresses|clusters)$/.exec(path);
    if (!project) return;
    const feed: FeedId = `nodes:${project[1]}`;
    const reading = `${run} ${feed}`;
    const halves = this.#halves.get(reading) ?? {};
    this.#halves.set(reading, halves);
    if (project[2] === 'clusters') halves.clusters = isGood;
    else halves.addresses = isGood && nodesOf(JSON.parse(delivery.body));
    if (halves.clusters === undefined || halves.addresses === undefined) return;
    this.#take(feed, run, machineMs, halves.clusters && halves.addresses);
  }

  /** Whether the last that a run was told of the project's key is that it is valid. */
  confirms(project: string, run: number): boolean {
    return this.#verdicts.get(`${run} ${project}`) ?? false;
  }

  /** What comes from now on belongs to another reading of the feed. */
  readingEnded(feed: FeedId, run: number): void {
    this.#halves.delete(`${run} ${feed}`);
  }

  /**
   * The answers that a run may go by: the newest, or the newest before it began and all that came since. None
   * when there was none.
   *
   * @param beganAt how many answers there were when it began
   */
  heard(feed: FeedId, run: number, beganAt = Number.POSITIVE_INFINITY): readonly Listed[] {
    const heard = this.feed(feed).runs.get(run) ?? [];
    const newest = heard.findLastIndex(({ order }) => order <= beganAt);
    return heard.slice(Math.max(0, newest)).map(({ listed }) => listed);
  }

  /** Whether a run was given a complete answer at that time or later. */
  isReadSince(feed: FeedId, run: number, sinceMs: number): boolean {
    return (this.feed(feed).runs.get(run) ?? []).some(({ atMs, listed }) => listed && atMs >= sinceMs);
  }

  #take(feed: FeedId, run: number, machineMs: number, listed: readonly string[] | false): void {
    const answers = this.feed(feed);
    const set = listed !== false && new Set(listed);
    const heard = answers.runs.get(run) ?? [];
    heard.push({ order: ++this.count, atMs: this.#trueMs, listed: set });
    if (heard.length > keptAnswers) heard.shift();
    answers.runs.delete(run);
    answers.runs.set(run, heard);
    if (answers.runs.size > keptRuns) answers.runs.delete(answers.runs.keys().next().value!);
    if (set === false) return;
    for (const address of set) {
      answers.everListed.add(address);
      answers.absent.delete(address);
    }
    for (const address of answers.everListed) {
      if (set.has(address)) continue;
      answers.absent.set(address, counted(answers.absent.get(address), machineMs, this.#trueMs));
    }
  }
}

function counted(known: Absence | undefined, nowMs: number, trueMs: number): Absence {
  // What a clock that was ahead noted counts from the first reading by the right one.
  if (!known || known.sinceMs > nowMs) {
    return { sinceMs: nowMs, trueSinceMs: known?.trueSinceMs ?? trueMs, reads: 1, lastMs: nowMs };
  }
  if (nowMs - known.lastMs < minReadGapMs) return known;
  return { ...known, reads: known.reads + 1, lastMs: nowMs };
}

function isCalledValid(body: any): boolean {
  return [body?.awsKms, body?.azureKeyVault, body?.googleCloudKms].some(
    state => state?.enabled && state.valid === true,
  );
}

function controlPlaneOf(body: any): readonly string[] {
  return Object.values(body.outbound as Record<string, Record<string, string[]>>).flatMap(regions =>
    Object.values(regions).flat(),
  );
}

function nodesOf(body: any): readonly string[] {
  return body.services.clusters.flatMap(({ inbound, outbound, futureInbound, futureOutbound }: any) =>
    [...inbound, ...outbound, ...futureInbound, ...futureOutbound].map(host => `${host}/32`),
  );
}
