/** Times as people read them: the two largest units of a duration, and UTC timestamps without fractions. */

const secondMs = 1000;
const units = [
  ['d', 86_400 * secondMs],
  ['h', 3600 * secondMs],
  ['m', 60 * secondMs],
  ['s', secondMs],
] as const;

/** The last millisecond of JavaScript's calendar, either side of 1970 (ECMAScript, "Time Values"). */
export const calendarEndMs = 8_640_000_000_000_000;

/**
 * A duration in its two largest units, rounded down: `5d 3h`, `4m 10s`, `12s`. A unit that is zero is left
 * out: `5d`. The sign is dropped, because the words around it say `in` or `ago`.
 */
export function formatDuration(durationMs: number): string {
  if (!Number.isFinite(durationMs)) return 'forever';
  const wholeMs = Math.abs(durationMs);
  const first = units.findIndex(([, unitMs]) => wholeMs >= unitMs);
  if (first === -1) return '0s';
  const [name, unitMs] = units[first]!;
  const large = `${Math.floor(wholeMs / unitMs)}${name}`;
  const [nextName, nextUnitMs] = units[first + 1] ?? ['', Number.POSITIVE_INFINITY];
  const small = Math.floor((wholeMs % unitMs) / nextUnitMs);
  return small === 0 ? large : `${large} ${small}${nextName}`;
}

/** Epoch milliseconds as ISO 8601 in UTC, to the second: `2026-08-11T14:05:00Z`. */
export function formatTimestamp(atMs: number): string {
  if (!(Math.abs(atMs) <= calendarEndMs)) return 'a time beyond the calendar';
  return new Date(atMs).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** How long before or after `nowMs` a time is: `3m ago`, `in 5d 3h`, `just now`. */
export function formatRelative(atMs: number, nowMs: number): string {
  const distanceMs = atMs - nowMs;
  if (Math.abs(distanceMs) < secondMs) return 'just now';
  return distanceMs > 0 ? `in ${formatDuration(distanceMs)}` : `${formatDuration(distanceMs)} ago`;
}
