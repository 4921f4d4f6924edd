/**
 * The guards: each is one small function that lets a plan pass, or stops its removals, or stops the whole
 * write, with a sentence that says why and one that says what to do. Adding is never stopped by a guard that
 * blocks removals (DESIGN.md §3).
 */
import { AddressSet } from '../address/address-set.ts';
import type { Cidr } from '../address/cidr.ts';
import { neverWrittenReason } from '../address/classify.ts';
import type { Observation } from '../atlas/observation.ts';
import type { GateState } from '../gates/gate.ts';
import type { WriteKind } from '../journal/journal.ts';
import { describeWindow, frozenBy } from './freeze.ts';
import type { KmsAlerts, PlanInput } from './input.ts';
import type { GuardTrip, PlanStep } from './plan.ts';

/** What the removal guards look at, beside the input. */
export interface RemovalFacts {
  /** The ledger's addresses that would lose their entry. */
  readonly closing: readonly Cidr[];
  /** How many of the ledger's addresses Postern lets in at present. */
  readonly letInCount: number;
  /** Whether this plan adds as well. */
  readonly adds: boolean;
}

type RemovalGuard = (input: PlanInput, facts: RemovalFacts) => GuardTrip | undefined;

const removalGuards: readonly RemovalGuard[] = [
  policyAddsOnly,
  journalUnavailable,
  incompleteObservation,
  feedShrank,
  tooManyRemovals,
  tooLargeShare,
  unsettled,
  settling,
  soaking,
  frozen,
  notApproved,
  clockWentBack,
  atlasDoesNotConfirm,
  kmsAlertOpen,
  kmsAlertsNotRead,
];

/** The guards that stop the removals of this plan; none when it has no removals. Pure. */
export function tripRemovalGuards(input: PlanInput, facts: RemovalFacts): readonly GuardTrip[] {
  if (facts.closing.length === 0) return [];
  return removalGuards.flatMap(guard => guard(input, facts) ?? []);
}

/**
 * The guards that stop `undo` from taking entries back. Grace, caps and settling are not among them: an operator
 * asks for these very entries, and no feed of Atlas ever wanted one of them. Pure.
 */
export function tripUndoGuards(input: PlanInput, takesBack: readonly Cidr[]): readonly GuardTrip[] {
  if (takesBack.length === 0) return [];
  return [incompleteObservation, atlasDoesNotConfirm, kmsAlertOpen, kmsAlertsNotRead].flatMap(
    guard => guard(input) ?? [],
  );
}

function policyAddsOnly({ gate, policy }: PlanInput): GuardTrip | undefined {
  if (policy === 'sync') return undefined;
  return {
    guard: 'policy',
    blocks: 'removals',
    message: `The policy of gate ${gate.name} is ${policy}: nothing is removed.`,
    remedy: 'Set `policy: sync` on the gate to have Postern remove what Atlas no longer lists.',
  };
}

function journalUnavailable({ journal }: PlanInput): GuardTrip | undefined {
  if (journal.available) return undefined;
  return {
    guard: 'journal-unavailable',
    blocks: 'removals',
    message: `The journal cannot be used (${journal.reason}), so Postern cannot tell which entries are its own.`,
    remedy: 'Mend the journal; additions go on meanwhile.',
  };
}

function incompleteObservation({ feeds }: PlanInput): GuardTrip | undefined {
  const incomplete = feeds.filter(({ newest }) => !newest.complete);
  if (incomplete.length === 0) return undefined;
  const which = incomplete
    .map(({ feed, newest }) => `${feed} (${newest.faults[0]?.message ?? 'no reason given'})`)
    .join('; ');
  return {
    guard: 'incomplete-observation',
    blocks: 'removals',
    message: `Not every feed could be read completely: ${which}`,
    remedy: 'Nothing to do if it passes by itself: an incomplete answer only adds, it never removes.',
  };
}

function feedShrank({ feeds, journal, removal, acceptShrink }: PlanInput): GuardTrip | undefined {
  // Without a journal nothing is removed anyhow.
  if (acceptShrink || !journal.available) return undefined;
  // A project's clusters come and go, and each absence is checked against Atlas's own list of clusters; the
  // control plane has no such second opinion.
  const reading = feeds.find(({ feed }) => feed === 'control-plane');
  if (!reading) return undefined;
  const { newest, peakCount } = reading;
  if (peakCount !== undefined && countOf(newest) >= peakCount * (1 - removal.shrinkShare)) return undefined;
  const days = Math.round(removal.shrinkWindowMs / 86_400_000);
  const before =
    peakCount === undefined
      ? `the journal could not tell how many it listed within the last ${days} days`
      : `within the last ${days} days it listed ${peakCount}`;
  return {
    guard: 'feed-shrank',
    blocks: 'removals',
    message: `control-plane lists ${countOf(newest)} addresses; ${before}.`,
    remedy: 'Look at `postern ips`. If Atlas really uses so many fewer, run apply with --accept-shrink.',
  };
}

function tooManyRemovals({ removal }: PlanInput, { closing }: RemovalFacts): GuardTrip | undefined {
  if (closing.length <= removal.maxCount) return undefined;
  return {
    guard: 'too-many-removals',
    blocks: 'removals',
    message: `${closing.length} addresses would be removed at once; the limit is ${removal.maxCount}.`,
    remedy: `Look at the plan. If it is right, run apply with --max-removals ${closing.length}.`,
  };
}

function tooLargeShare({ removal }: PlanInput, { closing, letInCount }: RemovalFacts): GuardTrip | undefined {
  // A gate with a handful of entries must be able to lose one.
  const most = Math.max(1, Math.floor(letInCount * removal.maxShare));
  if (closing.length <= most) return undefined;
  return {
    guard: 'too-large-share',
    blocks: 'removals',
    message: `${closing.length} of the ${letInCount} addresses that Postern lets in would be removed at once; the limit is ${most} (${Math.round(removal.maxShare * 100)} %).`,
    remedy: `Look at the plan. If it is right, run apply with --max-removals ${closing.length}.`,
  };
}

/** A removal after it would be watched for the trouble of another. */
function unsettled({ gate, journal }: PlanInput): GuardTrip | undefined {
  if (!journal.available || journal.unsettledUntilMs === undefined) return undefined;
  return {
    guard: 'unsettled',
    blocks: 'removals',
    message: `A removal from gate ${gate.name} was begun, and is not to be seen in its list; until ${iso(journal.unsettledUntilMs)} it may still take effect, and removals wait.`,
    remedy: 'Nothing to do: a later run removes what is due.',
  };
}

function settling({ gate, journal, nowMs }: PlanInput, { adds }: RemovalFacts): GuardTrip | undefined {
  const lastAddAtMs = adds ? nowMs : journal.available ? journal.lastAddAtMs : undefined;
  if (lastAddAtMs === undefined) return undefined;
  const waitMs = lastAddAtMs + gate.limits.settleMs - nowMs;
  if (waitMs <= 0) return undefined;
  return {
    guard: 'settling',
    blocks: 'removals',
    message: `What is added to gate ${gate.name} may take until ${iso(lastAddAtMs + gate.limits.settleMs)} to be in force everywhere; removals wait until then.`,
    remedy: 'Nothing to do: a later run removes what is due.',
  };
}

/** One removal at a time: were two on probation, nobody could tell which of them a fault came from. */
function soaking({ gate, journal, removal, nowMs }: PlanInput): GuardTrip | undefined {
  if (!journal.available || journal.lastRemovalAtMs === undefined) return undefined;
  const untilMs = journal.lastRemovalAtMs + removal.soakMs;
  if (nowMs >= untilMs) return undefined;
  return {
    guard: 'soaking',
    blocks: 'removals',
    message: `The last removal from gate ${gate.name} is on probation until ${iso(untilMs)}; the next one waits until then.`,
    remedy: 'Nothing to do: a later run removes what is due.',
  };
}

function frozen({ gate, removal, nowMs }: PlanInput): GuardTrip | undefined {
  const window = frozenBy(removal.freeze, nowMs);
  if (!window) return undefined;
  return {
    guard: 'frozen',
    blocks: 'removals',
    message: `Nothing is removed from gate ${gate.name} in the freeze window ${describeWindow(window)}.`,
    remedy: 'Nothing to do: additions go on, and a run after the window removes what is due.',
  };
}

function notApproved(
  { gate, journal, removal, nowMs }: PlanInput,
  { closing }: RemovalFacts,
): GuardTrip | undefined {
  if (removal.approval !== 'required') return undefined;
  const given = journal.available ? journal.approvals : [];
  if (given.some(approval => nowMs < approval.expiresAtMs && isSameSet(approval.cidrs, closing)))
    return undefined;
  return {
    guard: 'not-approved',
    blocks: 'removals',
    message: `The removal of ${closing.length} ${closing.length === 1 ? 'address' : 'addresses'} from gate ${gate.name} waits for approval${given.length > 0 ? '; the approvals that were given have expired, or are for other addresses' : ''}.`,
    remedy: `Look at the plan, then run postern approve ${gate.name}.`,
  };
}

/** Exactly the same: one address more would go without anybody's yes. */
function isSameSet(a: readonly Cidr[], b: readonly Cidr[]): boolean {
  const one = new Set(a);
  const other = new Set(b);
  return one.size === other.size && [...other].every(cidr => one.has(cidr));
}

function clockWentBack({ journal, nowMs }: PlanInput): GuardTrip | undefined {
  if (!journal.available || nowMs >= journal.newestAtMs) return undefined;
  return {
    guard: 'clock-went-back',
    blocks: 'removals',
    message: `This machine's clock shows ${iso(nowMs)}, and the journal holds a reading of ${iso(journal.newestAtMs)}: a grace period cannot be measured.`,
    remedy: "Set the machine's clock.",
  };
}

function atlasDoesNotConfirm({ verdicts }: PlanInput): GuardTrip | undefined {
  const doubt = verdicts.find(({ verdict }) => verdict !== 'valid');
  if (verdicts.length > 0 && !doubt) return undefined;
  return {
    guard: 'atlas-does-not-confirm',
    blocks: 'removals',
    message: doubt
      ? `Atlas does not confirm that project ${doubt.projectId} can use its key (${doubt.because ?? doubt.verdict}).`
      : 'This gate serves no Atlas project that could confirm that its key still works after a removal.',
    remedy: 'Removals wait until GET encryptionAtRest says `valid: true`, before and after each of them.',
  };
}

/**
 * Atlas opens one alert for a project, however many of its nodes are refused. While one is open, a removal that
 * shuts out another node would open none, and be taken for harmless. Whoever acknowledges it in Atlas says that
 * it is known, and removals go on by `valid` alone.
 */
function kmsAlertOpen(input: PlanInput): GuardTrip | undefined {
  const alert = openAlert(input);
  if (!alert) return undefined;
  return {
    guard: 'kms-alert-open',
    blocks: 'removals',
    message: `Atlas has the alert ${alert.type} open for project ${alert.projectId}: were a removal to shut out another node, no further alert would tell.`,
    remedy: 'See what the alert says. Once it is closed, or acknowledged in Atlas, removals go on.',
  };
}

function openAlert({ alerts, nowMs }: PlanInput) {
  const open = alerts.flatMap(each => openOf(each).map(alert => ({ ...alert, projectId: each.projectId })));
  return open.find(({ acknowledgedUntilMs }) => (acknowledgedUntilMs ?? 0) <= nowMs);
}

/** What may pass is waited for. A right that lacks does not pass: then `valid` alone counts, and a finding says so. */
function kmsAlertsNotRead({ alerts }: PlanInput): GuardTrip | undefined {
  const missing = alerts.find(each => !each.known && !each.isRefused);
  if (!missing || missing.known) return undefined;
  return {
    guard: 'kms-alerts-not-read',
    blocks: 'removals',
    message: `Whether Atlas has an alert open on the KMS of project ${missing.projectId} could not be read (${missing.because}), so a new one could not be told from it.`,
    remedy: 'Nothing to do if it passes by itself: a later run removes what is due.',
  };
}

function openOf(alerts: KmsAlerts) {
  return alerts.known ? alerts.open : [];
}

/** A write as the last look sees it: the whole list before and after. */
export interface WriteToGuard extends Pick<PlanStep, 'from' | 'to' | 'usage'> {
  readonly kind: WriteKind;
}

/** In the list, whatever they do to those who are not in it. */
const onlyAdds: readonly WriteKind[] = ['add', 'restore', 'enforce'];

/**
 * The last look at a write, whatever computed it (DESIGN.md §3, invariants 1, 3 and 5). Called when the plan
 * is made, and again by `writeStep` just before any write: an addition, a removal, a restore or an undo. Pure.
 *
 * @param wanted every address that must be let in afterwards
 * @param foreign every entry that is not ours and must stay as it is
 */
export function tripWriteGuards(
  { name: gateName, limits }: Pick<PlanInput['gate'], 'name' | 'limits'>,
  step: WriteToGuard,
  wanted: readonly Cidr[],
  foreign: readonly Cidr[],
): readonly GuardTrip[] {
  const trips: GuardTrip[] = [];
  const trip = (guard: string, message: string, remedy: string) =>
    trips.push({ guard, blocks: 'write', message, remedy });
  const after = AddressSet.of(step.to);
  const from = new Set(step.from);

  if (step.to.length === 0) {
    trip(
      'empty-list',
      `The list of gate ${gateName} would be empty.`,
      'Check the projects of this gate and what `postern ips` shows; Postern never writes an empty list.',
    );
  }
  for (const cidr of step.to) {
    const reason = from.has(cidr) ? undefined : neverWrittenReason(cidr);
    if (reason !== undefined) {
      trip(
        'never-written',
        `${cidr} would be written: ${reason}.`,
        'This is a defect in Postern: please report it.',
      );
    }
  }
  const lockedOut = wanted.filter(cidr => !after.covers(cidr));
  if (lockedOut.length > 0) {
    trip(
      'locks-atlas-out',
      `${lockedOut.length} addresses that Atlas wants would not be let in, ${lockedOut[0]} among them.`,
      'This is a defect in Postern: please report it.',
    );
  }
  const written = new Set(step.to);
  const lost = foreign.filter(cidr => !written.has(cidr));
  if (lost.length > 0) {
    trip(
      'foreign-entry-lost',
      `${lost.length} entries that are not Postern's would be lost, ${lost[0]} among them.`,
      'This is a defect in Postern: please report it.',
    );
  }
  if (onlyAdds.includes(step.kind) && !after.covers(AddressSet.of(step.from))) {
    trip(
      'add-takes-away',
      'A write that should only add would take addresses away.',
      'This is a defect in Postern: please report it.',
    );
  }
  if (step.usage.used > step.usage.limit) {
    trip(
      'does-not-fit',
      `Gate ${gateName} holds ${step.usage.limit} ${step.usage.unit}; ${step.usage.used} are needed, merged as far as it goes without letting anyone else in: ${step.usage.used - step.usage.limit} too many.`,
      [
        limits.whenFull,
        'Take out entries that are not needed (foreign ones are listed by `postern plan --verbose`), or split the projects over two keys.',
      ]
        .filter(Boolean)
        .join(' '),
    );
  }
  return trips;
}

/**
 * Where the next write puts the list in force, it takes access from all who are not in it: it is a removal in
 * the guise of an addition. So it needs to know every address that Atlas uses, a journal to be taken back by, and
 * Atlas's word; and once it was taken back, nothing but an operator tries it again. Pure.
 *
 * @param unwritable how many of the wanted addresses the gate cannot hold
 */
export function tripShutsOut(input: PlanInput, unwritable: number): readonly GuardTrip[] {
  const { gate, state, journal, acceptFirstWrite } = input;
  if (!state.nextWriteShutsOut) return [];
  const trip = (guard: string, because: string, remedy: string): readonly GuardTrip[] => [
    {
      guard,
      blocks: 'write',
      message: `The first write puts the list of gate ${gate.name} in force, and whoever is not in it loses access; but ${because}.`,
      remedy: `Nothing is in danger meanwhile: the list is not in force. ${remedy}`,
    },
  ];
  const unknown = unknownAddresses(input, unwritable);
  if (unknown)
    return trip('first-write-shuts-out', unknown, 'See `postern plan` again when that has passed.');
  if (!journal.available) {
    const because = `the journal cannot be used (${journal.reason}), so that it could not be taken back`;
    return trip('first-write-not-journalled', because, 'Mend the journal.');
  }
  if (journal.unsettledUntilMs !== undefined) {
    const because = `one was begun already, and may take effect until ${iso(journal.unsettledUntilMs)}`;
    return trip('first-write-under-way', because, 'See `postern plan` again after that.');
  }
  const invalid = input.verdicts.find(({ verdict }) => verdict === 'invalid');
  if (invalid) {
    const because = `Atlas cannot use the key of project ${invalid.projectId} as it is (${invalid.because ?? 'not valid'}), so nobody could tell what the list does to it`;
    return trip('first-write-not-confirmable', because, 'Mend the key first: see postern doctor.');
  }
  if (acceptFirstWrite) return [];
  if (journal.withdrawn) {
    const { atMs, because } = journal.withdrawn;
    return trip(
      'first-write-withdrawn',
      `it was taken back at ${iso(atMs)} (${because}), and Postern does not try it again by itself`,
      'See that nothing which Atlas needs is missing, then run apply with --accept-first-write; or leave it with `policy: observe`.',
    );
  }
  const alert = openAlert(input);
  if (alert) {
    const because = `Atlas has the alert ${alert.type} open for project ${alert.projectId}, so no further alert would tell what the list does`;
    return trip(
      'first-write-not-confirmable',
      because,
      'See what the alert says. Once it is closed, or acknowledged in Atlas, the list is put in force.',
    );
  }
  const doubt = input.verdicts.find(({ verdict }) => verdict !== 'valid');
  if (input.verdicts.length > 0 && !doubt) return [];
  return trip(
    'first-write-not-confirmable',
    doubt
      ? `Atlas could not confirm afterwards that project ${doubt.projectId} can use its key (${doubt.because ?? doubt.verdict})`
      : 'this gate serves no Atlas project that could confirm afterwards that its key still works',
    'If the key is not in use yet, or you watch it yourself, run apply with --accept-first-write.',
  );
}

function unknownAddresses({ feeds }: PlanInput, unwritable: number): string | undefined {
  if (unwritable > 0) return `${unwritable} of the addresses that Atlas wants cannot be written`;
  const incomplete = feeds.filter(({ newest }) => !newest.complete).map(({ feed }) => feed);
  if (incomplete.length === 0 && feeds.length > 0) return undefined;
  return `not every feed could be read completely (${incomplete.join(', ') || 'there is none'})`;
}

/** Only the write that is watched for it may put a list in force, whatever computed another. Pure. */
export function tripNotInForce(
  gateName: string,
  state: Pick<GateState, 'nextWriteShutsOut'>,
  kind: WriteKind,
): readonly GuardTrip[] {
  const isFirst = state.nextWriteShutsOut === true;
  if (isFirst === (kind === 'enforce')) return [];
  return [
    {
      guard: 'not-in-force',
      blocks: 'write',
      message: isFirst
        ? `The list of gate ${gateName} is not in force, and this write would put it in force.`
        : `The list of gate ${gateName} is in force already.`,
      remedy: 'Run postern apply, which plans anew from what is there now.',
    },
  ];
}

/** A gate that would refuse any write as it stands is not promised one. Pure. */
export function tripObstacle({ gate, state }: PlanInput): readonly GuardTrip[] {
  if (!state.obstacle) return [];
  const { message, remedy } = state.obstacle;
  return [{ guard: 'not-writable', blocks: 'write', message: `Gate ${gate.name}: ${message}`, remedy }];
}

function countOf({ addresses }: Observation): number {
  return new Set(addresses.map(({ cidr }) => cidr)).size;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
