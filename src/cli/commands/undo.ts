import { printable } from '../../plan/render/printable.ts';
import { countAddresses, countEntries } from '../../plan/render/words.ts';
import { type Undo, undoWrite } from '../../reconcile/undo.ts';
import type { CommandAction, CommandContext } from '../context.ts';
import { RefusedError, UsageError } from '../failures.ts';
import { withSession } from '../work.ts';
import { printResults, worstOf } from './apply.ts';

interface UndoCommandOptions {
  readonly gate?: readonly string[];
  readonly write?: number;
  readonly yes?: boolean;
}

/** Puts back what a gate's last write took out, or takes back what it let in by mistake. */
export const run: CommandAction<UndoCommandOptions> = async (context, _, options) => {
  const result = await withSession(
    context,
    { mode: 'read-write', command: 'postern undo', gateNames: options.gate },
    async ({ session }) => {
      const [gate, another] = session.gates;
      if (gate === undefined || another !== undefined) {
        throw new UsageError(
          'Undo works on one gate.',
          `Name it with --gate: ${session.gates.map(({ config }) => config.name).join(', ')}.`,
        );
      }
      return await undoWrite(await gate.open(), {
        ...(options.write !== undefined && { writeId: options.write }),
        ...(options.yes ? { show: undo => show(context, undo) } : { confirm: undo => ask(context, undo) }),
      });
    },
  );
  printResults(context, [result]);
  return worstOf([result]);
};

function show({ output }: CommandContext, undo: Undo): void {
  const { write, letsIn, putsBack, takesBack, stays, withdraws } = undo;
  if (output.isJson) return;
  output.print(
    `Write ${write.id} (${write.kind}) of ${new Date(write.atMs).toISOString()} by ${printable(write.by)}`,
  );
  for (const cidr of letsIn)
    output.print(`  ${output.style('green', '+')} ${cidr}  let in: Atlas wants it, and it is missing`);
  for (const cidr of putsBack) output.print(`  ${output.style('green', '+')} ${cidr}  put back`);
  for (const cidr of takesBack) output.print(`  ${output.style('red', '-')} ${cidr}  taken back`);
  if (withdraws) output.print('  the list goes out of force: whoever was let in before it is let in again');
  if (stays.length > 0) output.print(`  ${countAddresses(stays.length)} stay: Atlas wants or wanted them`);
}

async function ask(context: CommandContext, undo: Undo): Promise<boolean> {
  const { output } = context;
  const { write, letsIn, putsBack, takesBack, withdraws } = undo;
  show(context, undo);
  try {
    const count = countEntries(letsIn.length + putsBack.length + takesBack.length);
    const gate = `gate ${printable(write.gateName)}`;
    await context.confirm(
      withdraws ? `Take the list of ${gate} out of force?` : `Change ${count} of ${gate}?`,
      {
        yes: false,
        command: 'postern undo',
      },
    );
    return true;
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    output.warn([error.message, error.remedy].filter(Boolean).join(' '));
    return false;
  }
}
