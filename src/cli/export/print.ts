/** Prints a list for a KMS, or refuses to: a list that lacks addresses must not look like a whole one. */
import type { Cidr } from '../../address/cidr.ts';
import type { GateConfig } from '../../config/index.ts';
import { type ExportFormat, type ExportTarget, exportList, formatsFor } from '../../export/formats.ts';
import { exportTarget } from '../../export/target.ts';
import type { Plan } from '../../plan/plan.ts';
import { printable } from '../../plan/render/printable.ts';
import type { CommandContext } from '../context.ts';
import { RefusedError, UsageError } from '../failures.ts';
import { listOfPlan } from './list.ts';

interface ExportOptions {
  readonly merge?: boolean;
  readonly allowIncomplete?: boolean;
}

/** Throws a RefusedError where the list may lack addresses, or does not fit. */
export function printExport(
  { output }: CommandContext,
  format: ExportFormat,
  target: ExportTarget,
  list: {
    readonly cidrs: readonly Cidr[];
    /** Why it may lack addresses; empty when it does not. */
    readonly incomplete: readonly string[];
    readonly merge: boolean;
    readonly allowIncomplete: boolean;
  },
): void {
  if (list.incomplete.length > 0 && !list.allowIncomplete) {
    throw new RefusedError(
      `The list may lack addresses, and is not printed for a KMS: ${printable(list.incomplete.join('; '))}`,
      'Try again later. To have what could be read all the same: --allow-incomplete.',
    );
  }
  const exported = exportList(list.cidrs, format, target, { merge: list.merge });
  if (!exported.ok) throw new RefusedError(exported.message, 'Take another format, or another kind of gate.');
  output.print(exported.text);
  const merged = exported.merged ? ', merged without letting in an address more' : '';
  output.note(`${exported.cidrs.length} blocks${merged}`);
  if (list.incomplete.length > 0) {
    output.warn(`${output.styleNote('red', 'error:')} INCOMPLETE: ${printable(list.incomplete.join('; '))}`);
  }
}

/** The whole list that a gate needs. Throws like `printExport`, and a UsageError where the format is another kind's. */
export function printGateExport(
  context: CommandContext,
  gate: GateConfig,
  plan: Plan,
  format: ExportFormat,
  { merge = false, allowIncomplete = false }: ExportOptions,
): void {
  const suitable = formatsFor(gate.kind);
  if (!suitable.includes(format)) {
    throw new UsageError(
      `The list of gate ${gate.name} cannot be had as ${format}: it is an ${gate.kind}.`,
      `It can be had as ${suitable.join(', ')}. Name one gate with --gate.`,
    );
  }
  printExport(context, format, exportTarget(gate), { ...listOfPlan(plan), merge, allowIncomplete });
}
