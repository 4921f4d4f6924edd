/** Reads freeze windows as they stand in a config: `fri 16:00 - mon 08:00`, `2026-12-20`. Pure. */
import { type FreezeWindow, type Weekday, type WeeklyTime, weekdays } from '../plan/freeze.ts';

const weeklyPattern =
  /^(mon|tue|wed|thu|fri|sat|sun) (\d\d):(\d\d) ?- ?(mon|tue|wed|thu|fri|sat|sun) (\d\d):(\d\d)$/;
const datedPattern = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d):(\d\d))?$/;

/** Undefined when the text is none, or a window of no length. */
export function parseWeekly(text: string): { from: WeeklyTime; to: WeeklyTime } | undefined {
  const match = weeklyPattern.exec(text.trim().toLowerCase());
  if (!match) return undefined;
  const from = timeOf(match[1]!, match[2]!, match[3]!);
  const to = timeOf(match[4]!, match[5]!, match[6]!);
  return from && to && (from.day !== to.day || from.minute !== to.minute) ? { from, to } : undefined;
}

/** `2026-12-20T00:00`. A date alone is its first minute, or, as an end, the minute after its last. */
export function parseDated(text: string, edge: 'from' | 'to'): string | undefined {
  const match = datedPattern.exec(text.trim());
  if (!match) return undefined;
  const [, date, hour, minute] = match;
  if (!isDate(date!) || Number(hour ?? 0) > 23 || Number(minute ?? 0) > 59) return undefined;
  // Compared as text with `2026-12-20T23:59`, so 24:00 is right after it.
  return `${date}T${hour === undefined ? (edge === 'from' ? '00:00' : '24:00') : `${hour}:${minute}`}`;
}

export interface FreezeText {
  readonly weekly?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly timeZone?: string | undefined;
  readonly note?: string | undefined;
}

/** Of text that the schema let through; throws a TypeError for any other. */
export function toFreezeWindow({ weekly, from, to, timeZone = 'UTC', note }: FreezeText): FreezeWindow {
  if (weekly !== undefined) {
    const span = parseWeekly(weekly);
    if (span) return { kind: 'weekly', ...span, timeZone, note };
  } else if (from !== undefined && to !== undefined) {
    const span = { from: parseDated(from, 'from'), to: parseDated(to, 'to') };
    if (span.from && span.to) return { kind: 'dated', from: span.from, to: span.to, timeZone, note };
  }
  throw new TypeError('A freeze window passed the schema and cannot be read.');
}

function timeOf(day: string, hour: string, minute: string): WeeklyTime | undefined {
  if (!weekdays.includes(day as Weekday) || Number(minute) > 59) return undefined;
  const total = Number(hour) * 60 + Number(minute);
  return total <= 24 * 60 ? { day: day as Weekday, minute: total } : undefined;
}

/** 30 February is none. */
function isDate(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
