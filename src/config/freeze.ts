/** Reads freeze windows as they stand in a config: `fri 16:00 - mon 08:00`, `2026-12-20`. Pure. */
import { type FreezeWindow, minuteOfWeek, type Weekday, type WeeklyTime, weekdays } from '../plan/freeze.ts';
import type { Fault } from './fields.ts';
import { nearest } from './nearest.ts';

const weeklyPattern =
  /^(mon|tue|wed|thu|fri|sat|sun) (\d\d):(\d\d) ?- ?(mon|tue|wed|thu|fri|sat|sun) (\d\d):(\d\d)$/;
const datedPattern = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d):(\d\d))?$/;

const weekMinutes = 7 * 24 * 60;

export interface WeeklySpan {
  readonly from: WeeklyTime;
  readonly to: WeeklyTime;
}

/** Undefined when the text is none, or a window of no length. */
export function parseWeekly(text: string): WeeklySpan | undefined {
  const span = readWeekly(text);
  return span && !isEmpty(span) ? span : undefined;
}

/** What is wrong with a text that should be a weekly window. */
export function weeklyFault(text: string): Fault | undefined {
  const span = readWeekly(text);
  if (!span) {
    return {
      message: `expected days and times such as fri 16:00 - mon 08:00; got ${JSON.stringify(text)}.`,
      remedy: 'Days are mon, tue, wed, thu, fri, sat, sun; times go from 00:00 to 24:00.',
    };
  }
  if (!isEmpty(span)) return undefined;
  return { message: 'it ends when it begins, so it freezes nothing.', remedy: 'Write another end.' };
}

/** Whether these windows of one time zone leave no minute of any week free. */
export function coverWeek(spans: readonly WeeklySpan[]): boolean {
  const frozen = new Set<number>();
  for (const span of spans) {
    const [from, to] = [minuteOfWeek(span.from), minuteOfWeek(span.to)];
    const end = from < to ? to : to + weekMinutes;
    for (let minute = from; minute < end; minute++) frozen.add(minute % weekMinutes);
  }
  return frozen.size === weekMinutes;
}

/** What is wrong with a text that should be a time zone which this machine does not know. */
export function timeZoneFault(text: string): Fault {
  const near = nearest(text, ['UTC', ...Intl.supportedValuesOf('timeZone')]);
  return {
    message: `expected a time zone such as Europe/Berlin; got ${JSON.stringify(text)}.`,
    remedy: near === undefined ? 'Leave it out for UTC.' : `Did you mean ${near}?`,
  };
}

function readWeekly(text: string): WeeklySpan | undefined {
  const match = weeklyPattern.exec(text.trim().toLowerCase());
  if (!match) return undefined;
  const from = timeOf(match[1]!, match[2]!, match[3]!);
  const to = timeOf(match[4]!, match[5]!, match[6]!);
  return from && to ? { from, to } : undefined;
}

/** `fri 24:00` is `sat 00:00`, and the end of sunday the beginning of monday. */
function isEmpty({ from, to }: WeeklySpan): boolean {
  return minuteOfWeek(from) % weekMinutes === minuteOfWeek(to) % weekMinutes && !isWholeWeek(from, to);
}

function isWholeWeek(from: WeeklyTime, to: WeeklyTime): boolean {
  return minuteOfWeek(from) === 0 && minuteOfWeek(to) === weekMinutes;
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
