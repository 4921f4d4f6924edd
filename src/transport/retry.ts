/** When a request is sent again, and after how long. Pure. */
import { TransportError } from './errors.ts';
import { onlyReads } from './read-only.ts';
import type { TransportRequest, TransportResponse } from './transport.ts';

const firstDelayMs = 500;
const maxDelayMs = 20_000;
/** A server that asks for more is answered with the 429 itself. */
const maxRetryAfterMs = 60_000;
const passingStatuses = new Set([500, 502, 503, 504]);

/**
 * The wait before the next try, in milliseconds; undefined when there must be none. A request that could
 * write is repeated only when it certainly was not carried out: the caller has to look what became of it.
 */
export function retryDelayMs(
  request: TransportRequest,
  outcome: TransportResponse | TransportError,
  attempt: number,
  { random, nowMs }: { random: () => number; nowMs: number },
): number | undefined {
  const backOffMs = Math.min(maxDelayMs, firstDelayMs * 2 ** attempt) * (0.5 + random() / 2);
  if (outcome instanceof TransportError) {
    if (outcome.isLasting) return undefined;
    return onlyReads(request) || !outcome.mayHaveBeenSent ? backOffMs : undefined;
  }
  const asked = retryAfterMs(outcome.headers['retry-after'], nowMs);
  if (asked !== undefined && asked > maxRetryAfterMs) return undefined;
  const turnedAway = outcome.status === 429 || (outcome.status === 503 && asked !== undefined);
  if (!turnedAway && !(passingStatuses.has(outcome.status) && onlyReads(request))) return undefined;
  // Jitter on top, so that a fleet that was told the same second does not come back as one; and never at once.
  return asked === undefined ? backOffMs : Math.max(backOffMs, asked + random() * 1_000);
}

/** RFC 9110 §10.2.3: seconds, or an HTTP date. Undefined when absent or neither. */
export function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1_000;
  // Date.parse alone takes -5 and 1.5 for dates.
  const dateMs = /^[a-z]{3,9},? /i.test(value.trim()) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}
