/** What Atlas's `RateLimit-*` headers said last, per endpoint and scope. */
import type { FeedId } from '../address/address.ts';
import type { RateLimitLeft } from '../atlas/index.ts';
import type { RateLimitStatus } from './status.ts';

/** A bucket refills within minutes; what was said longer ago tells nothing. */
const staleMs = 2 * 60_000;
/** One for each endpoint and project; far more than any organization has. */
const kept = 5_000;

export class RateLimitBook {
  readonly #entries = new Map<string, RateLimitStatus>();

  note({ path, limit, remaining }: RateLimitLeft, atMs: number): void {
    const scope = /\/(?:groups|orgs)\/([0-9a-f]{24})\b/i.exec(path)?.[1] ?? '';
    const endpoint = scope === '' ? path : path.replace(scope, '{id}');
    const key = `${endpoint} ${scope}`;
    this.#entries.delete(key);
    this.#entries.set(key, { endpoint, scope, limit, remaining, atMs });
    if (this.#entries.size > kept) this.#entries.delete(this.#entries.keys().next().value!);
  }

  /** From 0 to 1; undefined when Atlas has not said lately. */
  shareLeft(feed: FeedId, nowMs: number): number | undefined {
    const key = feed.startsWith('nodes:')
      ? `/api/atlas/v2/groups/{id}/ipAddresses ${feed.slice('nodes:'.length)}`
      : '/api/atlas/v2/unauth/controlPlaneIPAddresses ';
    const entry = this.#entries.get(key);
    if (!entry?.limit || nowMs - entry.atMs > staleMs) return undefined;
    return entry.remaining / entry.limit;
  }

  list(): readonly RateLimitStatus[] {
    return [...this.#entries.values()];
  }
}
