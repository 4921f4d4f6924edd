/**
 * One alert for each situation, not for each cycle. Pure: what is open, and what is so now, give what is open
 * afterwards and what there is to tell. A time that is later than now is by a clock that was ahead, and counts as now:
 * else an alert would neither end nor be told anew for as long as the clock had been wrong.
 *
 *   so now | open | severity | clear for long || told      | open afterwards
 *   -------+------+----------+----------------++-----------+----------------
 *    yes   | no   |    -     |       -        || opened    | yes
 *    yes   | yes  |  higher  |       -        || worsened  | yes
 *    yes   | yes  |  other   |       -        || reminder, when the last word was long ago | yes
 *    no    | yes  |    -     |       no       || -         | yes
 *    no    | yes  |    -     |       yes      || resolved  | no
 */
import { type Severity, severities } from '../finding.ts';
import type { Notice, NoticeKind, Situation } from './situation.ts';

/** An open alert, as the journal keeps it. */
export interface Alert {
  readonly situation: Situation;
  readonly openedAtMs: number;
  readonly lastToldAtMs: number;
  /** Since when the situation is not so any more; null while it is. */
  readonly clearSinceMs: number | null;
}

export interface AlertTiming {
  /** A situation that comes and goes is one situation: it is over once it has been clear for this long. */
  readonly clearMs: number;
  /** An `error` that lasts is told again after this long. */
  readonly remindMs: number;
}

export const defaultAlertTiming: AlertTiming = { clearMs: 2 * 60_000, remindMs: 24 * 60 * 60_000 };

/** @param situations what is so now; two with one key are one, the more severe */
export function advanceAlerts(
  alerts: readonly Alert[],
  situations: readonly Situation[],
  nowMs: number,
  timing: AlertTiming = defaultAlertTiming,
): { readonly alerts: readonly Alert[]; readonly notices: readonly Notice[] } {
  const present = byKey(situations);
  const next: Alert[] = [];
  const notices: Notice[] = [];
  const tell = (kind: NoticeKind, situation: Situation, openedAtMs: number) =>
    notices.push(noticeOf(kind, situation, nowMs, openedAtMs));

  for (const alert of alerts) {
    const situation = present.get(alert.situation.key);
    present.delete(alert.situation.key);
    if (!situation) {
      const clearSinceMs = Math.min(alert.clearSinceMs ?? nowMs, nowMs);
      if (nowMs - clearSinceMs >= timing.clearMs) tell('resolved', alert.situation, alert.openedAtMs);
      else next.push({ ...alert, clearSinceMs });
      continue;
    }
    const kind = repeat(alert, situation, nowMs, timing);
    if (kind) tell(kind, situation, alert.openedAtMs);
    next.push({
      situation:
        kind || !isMilder(situation, alert.situation)
          ? situation
          : { ...situation, severity: alert.situation.severity },
      openedAtMs: alert.openedAtMs,
      lastToldAtMs: kind ? nowMs : Math.min(alert.lastToldAtMs, nowMs),
      clearSinceMs: null,
    });
  }
  for (const situation of present.values()) {
    tell('opened', situation, nowMs);
    next.push({ situation, openedAtMs: nowMs, lastToldAtMs: nowMs, clearSinceMs: null });
  }
  return { alerts: next, notices };
}

/** A notice about something that happened once. */
export function eventNotice(situation: Situation, atMs: number): Notice {
  return noticeOf('event', situation, atMs, atMs);
}

function repeat(
  alert: Alert,
  situation: Situation,
  nowMs: number,
  { remindMs }: AlertTiming,
): 'worsened' | 'reminder' | undefined {
  if (isMilder(alert.situation, situation)) return 'worsened';
  const isDue = situation.severity === 'error' && nowMs - alert.lastToldAtMs >= remindMs;
  return isDue ? 'reminder' : undefined;
}

function noticeOf(kind: NoticeKind, situation: Situation, atMs: number, sinceMs: number): Notice {
  return { id: `${situation.key}/${kind}/${atMs}`, kind, situation, atMs, sinceMs };
}

function byKey(situations: readonly Situation[]): Map<string, Situation> {
  const map = new Map<string, Situation>();
  for (const situation of situations) {
    const known = map.get(situation.key);
    if (!known || isMilder(known, situation)) map.set(situation.key, situation);
  }
  return map;
}

function isMilder(a: Situation, b: Situation): boolean {
  return rank(a.severity) < rank(b.severity);
}

/** 0 for `info`; the highest for `error`. */
export function rank(severity: Severity): number {
  return severities.length - 1 - severities.indexOf(severity);
}
