/** Which requests of a simulated world go wrong, how, and what that makes of the answer. */
import { type FaultAct, Faults, type LabService } from '../../src/lab/faults.ts';
import { pick, type Random } from './random.ts';

/**
 * What the caller is left with. `failed`: nothing that could be read. `incomplete`: an answer whose form gives
 * it away. `well-formed`: an answer that looks whole and is not the present truth, such as a stale one; no
 * client can tell.
 */
export type Outcome = 'failed' | 'incomplete' | 'well-formed';

export interface InjectedFault {
  readonly label: string;
  readonly outcome: Outcome;
  readonly act: FaultAct;
  /** The caller waits in vain for what was cut, instead of being told. */
  readonly hangs?: boolean;
}

export interface Episode {
  readonly on: LabService;
  /** The endpoints it hits: a pattern over `METHOD path`. */
  readonly where: RegExp;
  /** The share of matching requests that it hits. */
  readonly share: number;
  /** How many requests it hits at most. */
  left: number;
  /** It hits nothing while Postern only reads. */
  readonly hitsOnlyWrites?: boolean;
  choose(random: Random): InjectedFault;
}

/** The lab's faults, chosen request by request. */
export class WorldFaults extends Faults {
  readonly episodes = new Set<Episode>();
  random: Random;
  /** What hit the request that was taken last; undefined when it passed. */
  last: InjectedFault | undefined;
  count = 0;

  constructor(random: Random) {
    super();
    this.random = random;
  }

  override take(service: LabService, method: string, path: string): readonly FaultAct[] {
    this.last = undefined;
    for (const episode of this.episodes) {
      if (episode.on !== service || !episode.where.test(`${method} ${path}`)) continue;
      if (episode.left <= 0 || this.random() >= episode.share) continue;
      episode.left--;
      if (episode.left <= 0) this.episodes.delete(episode);
      this.count++;
      this.last = episode.choose(this.random);
      return [this.last.act];
    }
    return [];
  }
}

const answer = (
  status: number,
  body: string,
  headers: Record<string, string> = {},
): Extract<FaultAct, { kind: 'answer' }> => ({ kind: 'answer', status, body, headers });

const failed = (label: string, act: FaultAct, more: Partial<InjectedFault> = {}): InjectedFault => ({
  label,
  outcome: 'failed',
  act,
  ...more,
});
const after = (status: number, body: string, headers: Record<string, string> = {}): FaultAct => ({
  kind: 'answer-after',
  status,
  body,
  headers,
});
const html = { 'content-type': 'text/html' };
const page = '<html><body>We will be back soon.</body></html>';

export const failures = {
  refused: failed('the connection is refused', { kind: 'cut-before' }),
  cutBefore: failed('cut before it took effect', { kind: 'cut-before' }),
  hangsBefore: failed('no answer, and no effect', { kind: 'cut-before' }, { hangs: true }),
  cutAfter: failed('cut after it took effect', { kind: 'cut-after' }),
  hangsAfter: failed('no answer, and it took effect', { kind: 'cut-after' }, { hangs: true }),
  truncated: failed('half of the answer arrives', { kind: 'truncate' }),
  unavailable: failed('503', answer(503, 'upstream connect error', { 'content-type': 'text/plain' })),
  internal: failed('500', answer(500, '{"error":{"code":"InternalServerError","message":"try later"}}')),
  badGateway: failed('502', answer(502, page, html)),
  maintenance: failed('200 and a web page', answer(200, page, html)),
  internalAfter: failed('500 after it took effect', after(500, '{}')),
  gatewayTimeoutAfter: failed('504 after it took effect', after(504, page, html)),
  pageAfter: failed('200 and a web page after it took effect', after(200, page, html)),
  conflict: failed('409', answer(409, '{"error":{"code":"ConflictError","message":"A conflict occurred."}}')),
  forbidden: failed('403', answer(403, '{"error":{"code":"AuthorizationFailed","message":"no right"}}')),
} as const;

export function throttled(random: Random): InjectedFault {
  const seconds = pick(random, [1, 5, 20, 60, 300]);
  const body = '{"error":429,"errorCode":"RATE_LIMITED_TOKEN_BUCKET","detail":"The rate limit is reached."}';
  return failed('429', answer(429, body, { 'retry-after': String(seconds) }));
}

/** What a network does to any request. */
export function networkTrouble(random: Random): InjectedFault {
  return pick(random, [
    failures.cutBefore,
    failures.hangsBefore,
    failures.cutAfter,
    failures.hangsAfter,
    failures.truncated,
    failures.unavailable,
    failures.internal,
    failures.badGateway,
    failures.maintenance,
    throttled(random),
  ]);
}

/** What can become of a write, its effect first of all. */
export function writeTrouble(random: Random): InjectedFault {
  return pick(random, [
    failures.cutBefore,
    failures.hangsBefore,
    failures.cutAfter,
    failures.hangsAfter,
    failures.truncated,
    failures.internal,
    failures.internalAfter,
    failures.gatewayTimeoutAfter,
    failures.pageAfter,
    failures.maintenance,
    failures.conflict,
    throttled(random),
  ]);
}

/** A fault that changes an answer's JSON. */
export function edit(label: string, outcome: Outcome, change: (body: any) => unknown): InjectedFault {
  return { label, outcome, act: { kind: 'edit', edit: change } };
}
