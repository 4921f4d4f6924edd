/** One gate: whether its list counts, is whole, has room, and is looked after. Pure. */
import type { Plan } from '../../plan/plan.ts';
import type { GateFacts, Known } from '../facts.ts';
import { daysUntilFull } from '../forecast.ts';
import type { DoctorFinding } from '../report.ts';
import { of, unknown } from './atlas.ts';

type Reading = Extract<GateFacts['reading'], { known: true }>['value'];

const lowShare = 0.8;
const soonDays = 60;

export function gateFindings(facts: GateFacts): readonly DoctorFinding[] {
  const { reading, config } = facts;
  return [
    ...(reading.known
      ? [
          // A project's own section tells of its key.
          ...reading.value.plan.findings.filter(({ id }) => id !== 'key-not-valid'),
          ...notInForce(reading.value),
          ...lockedOut(reading.value.plan),
          ...stoppedWrites(reading.value.plan),
          ...capacity(reading.value),
        ]
      : [unreadable(reading)]),
    ...diagnosed(facts.diagnosed),
    ...observing(config),
  ];
}

function unreadable({ trouble }: Extract<GateFacts['reading'], { known: false }>): DoctorFinding {
  return trouble.passing ? unknown('gate-unreadable', trouble) : of('gate-unreadable', trouble);
}

function diagnosed(findings: Known<readonly DoctorFinding[]>): readonly DoctorFinding[] {
  return findings.known ? findings.value : [unknown('gate-not-diagnosed', findings.trouble)];
}

/** For a gate that does not say so by itself. */
function notInForce({ state, plan }: Reading): readonly DoctorFinding[] {
  const says = state.findings.some(({ severity }) => severity === 'error');
  if (state.lets === 'listed' || says) return [];
  const whom = { everyone: 'everybody', nobody: 'nobody', unknown: 'nobody knows whom' }[state.lets];
  return [
    {
      id: 'list-not-in-force',
      severity: 'error',
      message: `The list of gate ${plan.gate.name} decides nothing: it lets in ${whom}, whatever the list holds.`,
      remedy: 'See the other findings of this gate, and its page in docs.',
    },
  ];
}

function lockedOut({ gate, missing, policy }: Plan): readonly DoctorFinding[] {
  if (missing.length === 0 || gate.lets === 'everyone') return [];
  return [
    {
      id: 'locked-out',
      severity: 'error',
      message: `${missing.length} addresses that Atlas uses are not let in by gate ${gate.name}, ${missing[0]} among them.`,
      remedy:
        policy === 'observe'
          ? 'Look at `postern plan`, then set `policy: add-only` or `sync` on the gate and run `postern apply`.'
          : 'Run: postern apply',
    },
  ];
}

function stoppedWrites({ guards }: Plan): readonly DoctorFinding[] {
  return (
    guards
      // That the policy writes nothing is told by itself.
      .filter(({ guard, blocks }) => blocks === 'write' && guard !== 'policy')
      .map(({ message, remedy }) => ({ id: 'write-stopped', severity: 'error', message, remedy }))
  );
}

function capacity({ plan, limits, growth, state }: Reading): readonly DoctorFinding[] {
  const { after } = plan.usage;
  const entries = Math.max(1, plan.entries.filter(({ action }) => action !== 'close').length);
  const days = daysUntilFull(after, entries, growth);
  const share = after.used / after.limit;
  const elsewhere = state.takenElsewhere ? `, ${state.takenElsewhere} of them taken by others` : '';
  const forecast =
    days === undefined
      ? growth === undefined
        ? ''
        : '; its feeds do not grow'
      : `; as its feeds grew over the last ${Math.round(growth!.days)} days, it is full in about ${Math.ceil(days)} days`;
  const message = `Gate ${plan.gate.name} needs ${after.used} of ${after.limit} ${after.unit} (${Math.round(share * 100)} %)${elsewhere}${forecast}.`;
  const isLow = share >= lowShare || (days !== undefined && days <= soonDays);
  if (!isLow) return [{ id: 'capacity', severity: 'info', message }];
  return [
    {
      id: 'capacity-low',
      severity: 'warning',
      message,
      remedy: [
        limits.whenFull,
        'Take out entries that are not needed (postern plan --verbose lists others’), or split the projects over two keys.',
      ]
        .filter(Boolean)
        .join(' '),
    },
  ];
}

function observing({ name, policy }: GateFacts['config']): readonly DoctorFinding[] {
  if (policy !== 'observe') return [];
  return [
    {
      id: 'policy-observe',
      severity: 'info',
      message: `The policy of gate ${name} is observe: Postern tells what is wrong, and writes nothing.`,
      remedy: 'When `postern plan` shows what you expect, set `policy: add-only`, then `sync`.',
    },
  ];
}
