import { type Cidr, tryParseCidr } from '../../address/cidr.ts';
import { neverWrittenReason } from '../../address/classify.ts';
import { describeProvenance } from '../../plan/make-plan.ts';
import { printable } from '../../plan/render/printable.ts';
import { formatDuration, formatTimestamp } from '../../plan/render/time.ts';
import { explainAddress, type GateExplanation } from '../../reconcile/explain.ts';
import type { CommandAction, CommandContext } from '../context.ts';
import { reportError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { UsageError } from '../failures.ts';
import { printErrors } from '../print-errors.ts';
import { forEachGate, withSession } from '../work.ts';

/** Who needs an address, since when, and which gates let it in. Sends nothing that could write. */
export const run: CommandAction<{ readonly gate?: readonly string[] }> = async (context, [text], options) => {
  const parsed = tryParseCidr(text ?? '', { bare: 'host' });
  if (!parsed.ok)
    throw new UsageError(parsed.error.message, 'Give an address such as 3.92.113.229, or a block.');
  const { output } = context;
  const outcomes = await withSession(
    context,
    { mode: 'read-only', command: 'postern explain', gateNames: options.gate },
    work => forEachGate(work, async gate => explainAddress(await gate.open(), parsed.cidr)),
  );
  const explained = outcomes.flatMap(outcome => ('value' in outcome ? [outcome.value] : []));
  const failures = outcomes.flatMap(outcome =>
    'error' in outcome ? [{ gate: outcome.gate.config.name, report: reportError(outcome.error) }] : [],
  );
  if (output.isJson) output.json({ address: parsed.cidr, gates: explained });
  else for (const each of explained) print(context, parsed.cidr, each);
  printErrors(output, failures);
  if (failures.length > 0) return exitCodes.failed;
  return explained.every(({ incomplete }) => incomplete.length === 0) ? exitCodes.ok : exitCodes.unsure;
};

function print({ output, clock }: CommandContext, cidr: Cidr, explained: GateExplanation): void {
  const name = output.style('bold', printable(explained.gate));
  const verdicts = { true: 'lets it in', false: 'does NOT let it in', undefined: 'may or may not let it in' };
  output.say(`${cidr}: gate ${name} ${verdicts[`${explained.letIn}`]}`);
  const lines: string[] = [];
  const reserved = neverWrittenReason(cidr);
  if (reserved !== undefined) lines.push(`Postern never writes it: ${reserved}`);
  for (const entry of explained.entries) {
    const since = entry.sinceMs === undefined ? '' : `, Postern's since ${formatTimestamp(entry.sinceMs)}`;
    lines.push(`entry ${entry.cidr}${entry.owner === 'foreign' ? ", not Postern's" : since}`);
  }
  for (const provenance of explained.wantedBy) lines.push(`wanted by ${describeProvenance(provenance)}`);
  if (explained.pinned) lines.push('pinned by the config');
  if (explained.wantedBy.length === 0 && !explained.pinned) lines.push('wanted by nobody at present');
  for (const row of explained.ledger) {
    lines.push(
      `${row.cidr} first wanted ${formatTimestamp(row.firstWantedAtMs)}, last ${formatTimestamp(row.lastWantedAtMs)}`,
    );
    if (row.absentSinceMs !== null) {
      const age = formatDuration(clock.now() - row.absentSinceMs);
      lines.push(`${row.cidr} absent for ${age}, in ${row.absentReads} complete readings`);
    }
  }
  if (explained.incomplete.length > 0) lines.push(`not read completely: ${explained.incomplete.join(', ')}`);
  for (const line of lines) output.say(`  ${printable(line)}`);
}
