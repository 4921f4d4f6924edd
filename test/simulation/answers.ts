/**
 * What Atlas has answered, kept by the judge and not by Postern: which complete answers there were of each
 * feed, and since when they lack an address.
 */
import type { FeedId } from '../../src/address/address.ts';
import type { Delivered } from './network.ts';

interface Absence {
  /** By the clock of the machine that Postern runs on. */
  readonly sinceMs: number;
  readonly reads: number;
  readonly lastMs: number;
}

interface FeedAnswers {
  /** What each of the last runs was told: the addresses of its last answer, or false when it was not complete. */
  readonly runs: Map<number, ReadonlySet<string> | false>;
  readonly absent: Map<string, Absence>;
  readonly everListed: Set<string>;
}

/** Readings closer together than this count as one (`minReadGapMs` of the policy). */
const minReadGapMs = 60_000;

/** A command of the operator's may run beside the daemon. */
const keptRuns = 8;

export class Answers {
  readonly #feeds = new Map<FeedId, FeedAnswers>();
  /** Both answers that a project's nodes are read by, of the run in hand. */
  readonly #halves = new Map<
    FeedId,
    { run: number; addresses?: readonly string[] | false; clusters?: boolean }
  >();

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
   */
  note({ service, path, fault, delivery }: Delivered, run: number, machineMs: number): void {
    if (service !== 'atlas') return;
    const isGood =
      delivery.kind === 'whole' &&
      delivery.status === 200 &&
      (fault === undefined || fault.outcome === 'well-formed');
    if (path.endsWith('/controlPlaneIPAddresses')) {
      this.#take('control-plane', run, machineMs, isGood && controlPlaneOf(JSON.parse(delivery.body)));
      return;
    }
    const project = /\/groups\/([0-9a-f]{24})\/(ipAddresses|clusters)$/.exec(path);
    if (!project) return;
    const feed: FeedId = `nodes:${project[1]}`;
    const known = this.#halves.get(feed);
    const halves = known?.run === run ? known : { run };
    this.#halves.set(feed, halves);
    if (project[2] === 'clusters') halves.clusters = isGood;
    else halves.addresses = isGood && nodesOf(JSON.parse(delivery.body));
    if (halves.clusters === undefined || halves.addresses === undefined) return;
    this.#take(feed, run, machineMs, halves.clusters && halves.addresses);
  }

  #take(feed: FeedId, run: number, machineMs: number, listed: readonly string[] | false): void {
    const answers = this.feed(feed);
    const set = listed !== false && new Set(listed);
    answers.runs.delete(run);
    answers.runs.set(run, set);
    if (answers.runs.size > keptRuns) answers.runs.delete(answers.runs.keys().next().value!);
    if (set === false) return;
    for (const address of set) {
      answers.everListed.add(address);
      answers.absent.delete(address);
    }
    for (const address of answers.everListed) {
      if (!set.has(address)) answers.absent.set(address, counted(answers.absent.get(address), machineMs));
    }
  }
}

function counted(known: Absence | undefined, nowMs: number): Absence {
  if (!known) return { sinceMs: nowMs, reads: 1, lastMs: nowMs };
  if (nowMs - known.lastMs < minReadGapMs) return known;
  return { ...known, reads: known.reads + 1, lastMs: nowMs };
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
