/** What reads the same is told once, so that the one entry that differs is not lost among hundreds. */
import type { Finding, Severity } from '../../finding.ts';
import { describeProvenance } from '../make-plan.ts';
import type { EntryAction, Plan, PlanEntry } from '../plan.ts';
import { formatRelative } from './time.ts';

export interface EntryGroup {
  readonly reason: string;
  readonly entries: readonly PlanEntry[];
}

export interface FindingGroup {
  readonly first: Finding;
  readonly findings: readonly Finding[];
}

/** The entries of one action by their reason, in the plan's order. */
export function groupEntries(plan: Plan, action: EntryAction, nowMs: number): readonly EntryGroup[] {
  const entries = plan.entries.filter(entry => entry.action === action);
  return [...Map.groupBy(entries, entry => describeReason(entry, nowMs))].map(([reason, members]) => ({
    reason,
    entries: members,
  }));
}

/** Why an entry has its action, when it closes, and for one that is not wanted any more, who wanted it. */
export function describeReason(entry: PlanEntry, nowMs: number): string {
  const { action, because, closesAtMs, provenance } = entry;
  if (action !== 'retain' && action !== 'close') return because.replace(/^wanted by /, '');
  const parts = [because];
  if (action === 'retain' && closesAtMs !== undefined) {
    parts.push(
      closesAtMs > nowMs
        ? `closes ${formatRelative(closesAtMs, nowMs)}`
        : `its grace period ended ${formatRelative(closesAtMs, nowMs)}`,
    );
  }
  const origins = new Set(provenance.map(describeProvenance));
  if (origins.size > 0) parts.push(`was wanted by ${[...origins].join(', ')}`);
  return parts.join(', ');
}

/** Findings of the same name and remedy; one address each of a hundred is one group. */
export function groupFindings(plan: Plan, severities: readonly Severity[]): readonly FindingGroup[] {
  const findings = severities.flatMap(severity => plan.findings.filter(each => each.severity === severity));
  const groups = Map.groupBy(findings, ({ severity, id, remedy }) => JSON.stringify([severity, id, remedy]));
  return [...groups.values()].map(members => ({ first: members[0]!, findings: members }));
}
