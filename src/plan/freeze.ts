/**
 * Freeze windows: times in which nothing is removed, as teams have them over a weekend or at the end of a
 * year. They stand on the wall of one time zone, so a weekly one moves with its summer time. Pure.
 */

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

export interface WeeklyTime {
  readonly day: Weekday;
  /** Of that day: 0 to 1440. */
  readonly minute: number;
}

export type FreezeWindow = {
  /** An IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string;
  /** Why, for people. */
  readonly note: string | undefined;
} & (
  | { readonly kind: 'weekly'; readonly from: WeeklyTime; readonly to: WeeklyTime }
  /** `2026-12-20T00:00`; `to` is the first minute that is free again. */
  | { readonly kind: 'dated'; readonly from: string; readonly to: string }
);

/** The window that `nowMs` lies in; undefined when none. A window's end is not in it. */
export function frozenBy(windows: readonly FreezeWindow[], nowMs: number): FreezeWindow | undefined {
  return windows.find(window => {
    const { date, time, day, minute } = wallClock(nowMs, window.timeZone);
    if (window.kind === 'dated') {
      const local = `${date}T${time}`;
      return window.from <= local && local < window.to;
    }
    const from = minuteOfWeek(window.from);
    const to = minuteOfWeek(window.to);
    const now = minuteOfWeek({ day, minute });
    return from < to ? from <= now && now < to : now >= from || now < to;
  });
}

/** `fri 16:00 - mon 08:00 Europe/Berlin`, as it stands in a config. */
export function describeWindow(window: FreezeWindow): string {
  const span =
    window.kind === 'weekly'
      ? `${describeTime(window.from)} - ${describeTime(window.to)}`
      : `${window.from.replace('T', ' ')} - ${window.to.replace('T', ' ')}`;
  return `${span} ${window.timeZone}${window.note === undefined ? '' : ` (${window.note})`}`;
}

/** Whether this machine knows the zone: an unknown one must be a fault of the config, never of a run. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** From monday's first minute: 0 to 10080, which is sunday's end. */
export function minuteOfWeek({ day, minute }: WeeklyTime): number {
  return weekdays.indexOf(day) * 24 * 60 + minute;
}

function describeTime({ day, minute }: WeeklyTime): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${day} ${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

function wallClock(nowMs: number, timeZone: string) {
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(nowMs)
      .map(({ type, value }) => [type, value]),
  );
  return {
    date: `${parts.year}-${parts.month}-${parts.day}`,
    time: `${parts.hour}:${parts.minute}`,
    day: parts.weekday!.toLowerCase() as Weekday,
    minute: Number(parts.hour) * 60 + Number(parts.minute),
  };
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Kept: making one takes far longer than using it. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    calendar: 'gregory',
    numberingSystem: 'latn',
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  formats.set(timeZone, format);
  return format;
}
