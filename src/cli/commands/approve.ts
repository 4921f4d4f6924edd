import type { Approval } from '../../journal/journal.ts';
import type { Plan } from '../../plan/plan.ts';
import { printable } from '../../plan/render/printable.ts';
import { countAddresses } from '../../plan/render/words.ts';
import { planGate } from '../../reconcile/apply.ts';
import { approveClosing, defaultApprovalMs } from '../../reconcile/approve.ts';
import { whoRuns } from '../../reconcile/session.ts';
import type { CommandAction, CommandContext } from '../context.ts';
import { reportError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { RefusedError, UsageError } from '../failures.ts';
import { printErrors } from '../print-errors.ts';
import type { TableColumn } from '../table.ts';
import { forEachGate, type Work, withSession } from '../work.ts';

interface ApproveOptions {
  readonly by?: string;
  readonly reason?: string;
  readonly expires?: number;
  readonly list?: boolean;
  readonly yes?: boolean;
}

const shownApprovals = 50;
const columns: readonly TableColumn[] = [
  { title: 'id', align: 'right' },
  { title: 'gate' },
  { title: 'addresses', align: 'right' },
  { title: 'by', shrinks: true },
  { title: 'reason', shrinks: true },
  { title: 'given' },
  { title: 'counts until' },
];

/** Shows what would be removed, asks, and keeps who said yes and why. Writes to no gate. */
export const run: CommandAction<ApproveOptions> = async (context, [gateName], options) => {
  const session = {
    mode: 'read-only',
    command: 'postern approve',
    gateNames: gateName === undefined ? undefined : [gateName],
  } as const;
  return await withSession(context, session, async work => {
    if (options.list === true) {
      await list(context, work);
      return exitCodes.ok;
    }
    const outcomes = await forEachGate(work, async gate => {
      const run = await gate.open();
      const plan = await planGate(run);
      return { plan, isAsked: run.settings.removal.approval === 'required' };
    });
    printErrors(
      context.output,
      outcomes.flatMap(outcome =>
        'error' in outcome ? [{ gate: outcome.gate.config.name, report: reportError(outcome.error) }] : [],
      ),
    );
    const waiting = outcomes
      .flatMap(outcome => ('value' in outcome ? [outcome.value] : []))
      .filter(({ plan, isAsked }) => plan.closing.length > 0 && isAsked);
    if (waiting.length === 0) {
      if (outcomes.some(outcome => 'error' in outcome)) return exitCodes.failed;
      context.output.print('No removal waits for approval.');
      return exitCodes.ok;
    }
    const reason = options.reason?.trim();
    if (!reason) {
      throw new UsageError('An approval needs a reason.', 'Give one with --reason, such as a change number.');
    }
    for (const { plan } of waiting) await approveOne(context, work, plan, { ...options, reason });
    return outcomes.some(outcome => 'error' in outcome) ? exitCodes.failed : exitCodes.ok;
  });
};

async function approveOne(
  context: CommandContext,
  { session }: Work,
  plan: Plan,
  options: ApproveOptions & { readonly reason: string },
): Promise<void> {
  const { output, clock } = context;
  const name = printable(plan.gate.name);
  const { closing } = plan;
  const show = output.isJson ? output.note.bind(output) : output.print.bind(output);
  show(`${name}: ${countAddresses(closing.length)} that Atlas no longer lists would be removed:`);
  for (const cidr of closing) show(`    ${cidr}`);
  await context.confirm(`Approve exactly this for gate ${name}?`, {
    yes: options.yes === true,
    command: 'postern approve',
  });
  const { by = whoRuns(), reason, expires = defaultApprovalMs } = options;
  const atMs = clock.now();
  const id = await session.journal.attempt(journal =>
    approveClosing(journal, plan, closing, { by, reason, atMs, expiresInMs: expires }),
  );
  if (id === undefined) {
    throw new RefusedError(
      `The approval cannot be kept: ${session.journal.unavailable}`,
      'Mend the journal, and approve again.',
    );
  }
  const expiresAt = new Date(atMs + expires).toISOString();
  if (output.isJson) output.json({ id, gate: plan.gate.name, cidrs: closing, by, reason, expiresAt });
  else output.print(`${output.style('green', '✓')} ${name}: approved until ${expiresAt}.`);
}

async function list({ output, clock }: CommandContext, { session, config }: Work): Promise<void> {
  const names = new Set(session.gates.map(gate => gate.config.name));
  const isAll = session.gates.length === config.gates.length;
  const given = await session.journal.attempt(journal => journal.approvals({ limit: shownApprovals }));
  if (!given) throw new RefusedError(`The journal cannot be read: ${session.journal.unavailable}`);
  const approvals = given.filter(({ gateName }) => isAll || names.has(gateName));
  if (output.isJson) {
    output.json({ approvals });
  } else if (approvals.length === 0) {
    output.print('No approval has been given.');
  } else {
    output.table(
      columns,
      approvals.map(approval => rowOf(approval, clock.now())),
    );
  }
}

function rowOf({ id, gateName, cidrs, by, reason, atMs, expiresAtMs }: Approval, nowMs: number) {
  const until = expiresAtMs <= nowMs ? 'expired' : new Date(expiresAtMs).toISOString();
  return [
    String(id),
    printable(gateName),
    String(cidrs.length),
    printable(by),
    printable(reason),
    new Date(atMs).toISOString(),
    until,
  ];
}
