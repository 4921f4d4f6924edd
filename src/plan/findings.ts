/** What a plan tells beside its entries: things that are so, and that someone should know. */

import type { Address } from '../address/address.ts';
import { AddressSet } from '../address/address-set.ts';
import type { Cidr } from '../address/cidr.ts';
import type { KmsAlert } from '../atlas/alerts.ts';
import type { Finding } from '../finding.ts';
import { leaveTheListAlone } from '../gates/gate.ts';
import type { KmsAlerts, PlanInput } from './input.ts';

/** How often additions must have been undone by someone before Postern calls it a fight. */
const fightAfterWrites = 2;

/** Pure. `foreign` are the gate's entries that are not ours. */
export function findingsOf(
  input: PlanInput,
  wanted: readonly Address[],
  foreign: readonly Cidr[],
): readonly Finding[] {
  return [
    ...input.state.findings,
    ...input.findings,
    ...input.feeds.flatMap(({ newest }) => newest.findings),
    ...foreignButWanted(input, wanted, foreign),
    ...reliesOnForeign(input, wanted, foreign),
    ...fight(input),
    ...invalidKeys(input),
    ...kmsAlerts(input),
  ];
}

function foreignButWanted({ gate, adopt }: PlanInput, wanted: readonly Address[], foreign: readonly Cidr[]) {
  const wantedCidrs = new Set(wanted.map(({ cidr }) => cidr));
  const count = foreign.filter(cidr => wantedCidrs.has(cidr)).length;
  if (count === 0 || adopt) return [];
  return [
    {
      id: 'foreign-but-wanted',
      severity: 'info' as const,
      message: `${count} addresses that Atlas wants were put into gate ${gate.name} by someone else. Postern leaves them alone, also when Atlas drops them.`,
      remedy: 'Set `adopt: true` on the gate to have Postern look after them.',
    },
  ];
}

/** Wanted addresses that only a broader entry of someone else lets in, until this plan is applied. */
function reliesOnForeign({ gate, state }: PlanInput, wanted: readonly Address[], foreign: readonly Cidr[]) {
  const exact = new Set(state.entries);
  const foreignSet = AddressSet.of(foreign);
  const count = new Set(
    wanted.map(({ cidr }) => cidr).filter(cidr => !exact.has(cidr) && foreignSet.covers(cidr)),
  ).size;
  if (count === 0) return [];
  return [
    {
      id: 'relies-on-foreign',
      severity: 'info' as const,
      message: `${count} addresses are let into gate ${gate.name} only by someone else's broader entry, which may go without notice. Postern opens them by themselves.`,
    },
  ];
}

function fight({ gate, journal, state }: PlanInput): readonly Finding[] {
  if (!journal.available || journal.undoneWrites < fightAfterWrites) return [];
  const who = state.lastChange?.by ? `, most recently perhaps by ${state.lastChange.by}` : '';
  return [
    {
      id: 'fight',
      severity: 'error',
      message: `Someone keeps undoing what Postern adds to gate ${gate.name}: ${journal.undoneWrites} of its writes of the last 7 days were taken back${who}. Each time Atlas is locked out until Postern runs again.`,
      remedy: leaveTheListAlone(gate.kind),
    },
  ];
}

function invalidKeys({ verdicts }: PlanInput): readonly Finding[] {
  return verdicts
    .filter(({ verdict }) => verdict === 'invalid')
    .map(({ projectId, because }) => ({
      id: 'key-not-valid',
      severity: 'error' as const,
      message: `Atlas says that it cannot use the key of project ${projectId}${because ? ` (${because})` : ''}.`,
      remedy:
        'If addresses are missing, apply the plan; a change can take some minutes to be in force. Otherwise look at the key and its credentials.',
    }));
}

function kmsAlerts({ alerts, nowMs }: PlanInput): readonly Finding[] {
  return alerts.flatMap(each => alertFindings(each, nowMs));
}

/** What Atlas has open against a project's KMS, or that it does not tell. What passes is for a guard to say. Pure. */
export function alertFindings(alerts: KmsAlerts, nowMs: number): readonly Finding[] {
  if (alerts.known) return alerts.open.map(alert => openAlert(alerts.projectId, alert, nowMs));
  if (!alerts.isRefused) return [];
  return [
    {
      id: 'kms-alerts-not-readable',
      severity: 'warning',
      message: `Atlas does not let Postern read the alerts of project ${alerts.projectId} (${alerts.because}), so after a removal only what Atlas says of the key counts.`,
      remedy: 'Give the service account or API key the role Project Read Only on the project.',
    },
  ];
}

function openAlert(
  projectId: string,
  { type, openedAtMs, acknowledgedUntilMs = 0 }: KmsAlert,
  nowMs: number,
): Finding {
  const isKnown = acknowledgedUntilMs > nowMs;
  const since = Number.isFinite(openedAtMs) ? ` since ${new Date(openedAtMs).toISOString()}` : '';
  return {
    id: 'kms-alert-open',
    severity: isKnown ? ('warning' as const) : ('error' as const),
    message: `Atlas has had the alert ${type} open for project ${projectId}${since}${isKnown ? '; it is acknowledged' : ''}.`,
    remedy:
      'If addresses are missing, apply the plan. Otherwise see in Atlas which cluster it is about, and whether its nodes are on the list.',
  };
}
