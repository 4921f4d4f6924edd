/** The sentences that every format shares. Each one only says what a field of the plan holds. */
import type { Lets } from '../../gates/gate.ts';
import type { EntryAction, Plan, PlanFeed, PlanStep } from '../plan.ts';
import { formatRelative, formatTimestamp } from './time.ts';

/** The order in which actions are told: what changes first. */
export const actionOrder = ['open', 'close', 'retain', 'keep', 'leave'] as const satisfies EntryAction[];

export const signs: Readonly<Record<EntryAction, string>> = {
  open: '+',
  close: '-',
  retain: '~',
  keep: '=',
  leave: '.',
};

export const actionTitles: Readonly<Record<EntryAction, string>> = {
  open: 'to let in',
  close: 'to remove',
  retain: 'retained',
  keep: 'kept',
  leave: "left alone, not Postern's",
};

const letsSentences: Readonly<Record<Lets, string | undefined>> = {
  listed: undefined,
  everyone: 'The gate lets in everyone, whatever its list holds.',
  nobody: 'The gate lets in nobody, whatever its list holds.',
  unknown: 'Whom the gate lets in is unknown: something that Postern does not read decides.',
};

/** A number with its noun: `1 address`, `2 addresses`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

export const countAddresses = (number: number) => count(number, 'address', 'addresses');
export const countEntries = (number: number) => count(number, 'entry', 'entries');

export function countAction(plan: Plan, action: EntryAction): number {
  return plan.entries.filter(entry => entry.action === action).length;
}

/** The plan in one line: `3 addresses to let in, 1 to remove, 2 retained`. */
export function verdict(plan: Plan): string {
  const counts = [
    ...(['open', 'close', 'retain'] as const).map(action => [
      countAction(plan, action),
      actionTitles[action],
    ]),
    [plan.adopts.length, 'to adopt'],
  ] as const;
  const parts = counts
    .filter(([number]) => number !== 0)
    .map(([number, what], index) => `${index === 0 ? countAddresses(Number(number)) : number} ${what}`);
  if (!changes(plan)) return ['nothing to change', ...parts].join(', ');
  const stoppers = [
    ...new Set(plan.guards.filter(({ blocks }) => blocks === 'write').map(trip => trip.guard)),
  ];
  const stopped = stoppers.length === 0 ? '' : `; nothing is written (guard ${stoppers.join(', ')})`;
  return `${parts.length === 0 ? 'the list is rewritten' : parts.join(', ')}${stopped}`;
}

function changes(plan: Plan): boolean {
  return (
    plan.steps.length > 0 ||
    plan.adopts.length > 0 ||
    plan.entries.some(({ action }) => action === 'open' || action === 'close')
  );
}

/** What cannot wait for the details: whom the gate locks out now, and a list that is not in force. */
export function alarms(plan: Plan, shownAddresses = 3): readonly string[] {
  const sentences: string[] = [];
  if (plan.missing.length > 0) {
    const list = andMore(plan.missing, shownAddresses, ', ');
    const be = plan.missing.length === 1 ? 'is' : 'are';
    const how = plan.gate.lets === 'everyone' ? "not in the gate's list" : 'not let in now';
    sentences.push(
      `${count(plan.missing.length, 'wanted address', 'wanted addresses')} ${be} ${how}: ${list}.`,
    );
  }
  const lets = letsSentences[plan.gate.lets];
  return lets === undefined ? sentences : [...sentences, lets];
}

/** A few of many: `a, b, c and 9 more`. */
export function andMore(items: readonly string[], shown: number, separator: string): string {
  // One more line is shorter than saying that there is one more.
  if (items.length <= shown + 1) return items.join(separator);
  return `${items.slice(0, shown).join(separator)} and ${items.length - shown} more`;
}

export function describeStep({ kind, from, to, adds, removes, usage }: PlanStep): string {
  const change = [adds.length > 0 && `${adds.length} in`, removes.length > 0 && `${removes.length} out`];
  const what = change.filter(Boolean).join(', ');
  return `${kind}: ${what === '' ? 'no entry changes' : what}; from ${from.length} to ${countEntries(to.length)}, ${usage.used} of ${usage.limit} ${usage.unit}`;
}

export function describeFeed({ complete, addresses, atMs }: PlanFeed, nowMs: number): string {
  return `${complete ? 'complete' : 'incomplete'}, ${countAddresses(addresses)}, read ${formatTimestamp(atMs)} (${formatRelative(atMs, nowMs)})`;
}

export function describeUsage({ usage: { now, after } }: Plan): string {
  const same = now.used === after.used && now.limit === after.limit && now.unit === after.unit;
  if (same) return `${now.used} of ${now.limit} ${now.unit}`;
  return `${after.used} of ${after.limit} ${after.unit} after this plan, ${now.used} now`;
}

/** Enough of the checksum to tell two plans apart by eye. */
export function shortChecksum({ checksum }: Plan): string {
  return checksum.slice(0, 12);
}

export function describeMaking(plan: Plan, nowMs: number): string {
  return `made ${formatTimestamp(plan.atMs)} (${formatRelative(plan.atMs, nowMs)})`;
}

/** Which command comes next, in a sentence with the command in backticks. */
export function nextCommand(plans: readonly Plan[]): string {
  if (plans.length === 0) return '`postern init`, to find gates and write the config: there is no gate yet.';
  const blocked = plans.some(({ guards }) => guards.some(({ blocks }) => blocks === 'write'));
  if (plans.some(canApply)) {
    const others = blocked ? ' What a guard stopped stays as it is.' : '';
    return `\`postern apply\`, or \`postern plan --out FILE\`, a review, and \`postern apply FILE\`.${others}`;
  }
  if (blocked) return 'do what the guards ask, then `postern plan`.';
  if (plans.some(({ missing, gate }) => missing.length > 0 || gate.lets !== 'listed')) {
    return '`postern doctor`, to see what is in the way.';
  }
  return 'nothing to apply.';
}

function canApply({ steps, adopts, policy }: Plan): boolean {
  // Adopting writes nothing to the gate, so no guard stops it; a gate on observe is left alone altogether.
  return steps.length > 0 || (adopts.length > 0 && policy !== 'observe');
}
