/** Atlas's rate limits: a token bucket for each set of endpoints and scope (Atlas docs, "API rate limits"). */
import type { Clock } from '../../clock.ts';

export interface Limit {
  readonly capacity: number;
  readonly refillPerMinute: number;
}

export const limits = {
  controlPlane: { capacity: 400, refillPerMinute: 100 },
  ipAddresses: { capacity: 1_200, refillPerMinute: 500 },
  encryptionAtRest: { capacity: 2_000, refillPerMinute: 1_000 },
  clusters: { capacity: 10_000, refillPerMinute: 5_000 },
  groups: { capacity: 1_200, refillPerMinute: 500 },
  alertConfigs: { capacity: 1_200, refillPerMinute: 500 },
  alerts: { capacity: 1_200, refillPerMinute: 500 },
  cloudProviderAccess: { capacity: 1_200, refillPerMinute: 500 },
  serviceAccounts: { capacity: 1_200, refillPerMinute: 500 },
  organizationGroups: { capacity: 500, refillPerMinute: 250 },
  events: { capacity: 300, refillPerMinute: 100 },
} as const satisfies Record<string, Limit>;
export type LimitName = keyof typeof limits;

export class RateLimits {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes one token. `retrySeconds` is there when none was left. */
  take(name: LimitName, scope: string): { remaining: number; limit: Limit; retrySeconds?: number } {
    const limit = limits[name];
    const key = `${name} ${scope}`;
    const nowMs = this.#clock.now();
    const bucket = this.#buckets.get(key) ?? { tokens: limit.capacity, atMs: nowMs };
    const refilled = Math.min(
      limit.capacity,
      // Atlas's own clock does not go back when a test sets the one that the lab shares.
      bucket.tokens + (Math.max(0, nowMs - bucket.atMs) / 60_000) * limit.refillPerMinute,
    );
    const taken = refilled >= 1;
    const tokens = taken ? refilled - 1 : refilled;
    this.#buckets.set(key, { tokens, atMs: nowMs });
    if (taken) return { remaining: Math.floor(tokens), limit };
    return { remaining: 0, limit, retrySeconds: Math.ceil((1 - tokens) / (limit.refillPerMinute / 60)) };
  }
}
