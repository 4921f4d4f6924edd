/** `postern history`: every write, newest first; with an id, one write in full. */
import { existsSync } from 'node:fs';
import { compareCidrs } from '../../address/cidr.ts';
import type { Journal, WriteRecord } from '../../journal/journal.ts';
import { openJournalAt } from '../../journal/open.ts';
import { printable } from '../../plan/render/printable.ts';
import { formatTimestamp } from '../../plan/render/time.ts';
import type { CommandAction, CommandContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { UsageError } from '../failures.ts';

interface HistoryOptions {
  readonly gate?: readonly string[];
  readonly limit?: number;
}

const defaultLimit = 20;
/** More than any journal of years holds: a filter by name is done here. */
const everyWrite = 1_000_000;

export const run: CommandAction<HistoryOptions> = async (context, [id], options) => {
  if (id !== undefined && !/^\d{1,15}$/.test(id)) {
    throw new UsageError(`${JSON.stringify(id)} is no write's id.`, 'See the ids with: postern history');
  }
  const config = context.loadConfig();
  const path = context.statePathOf(config);
  const database = context.databaseOf(config);
  // Looking at history makes no journal.
  if (!database && !existsSync(path))
    return id === undefined ? printNothing(context, path) : unknownWrite(id, path);
  const journal = await openJournalAt({ path, database });
  try {
    if (id === undefined) return await list(context, journal, options);
    const write = (await journal.writes({ limit: everyWrite })).find(each => each.id === Number(id));
    return write ? printWrite(context, write) : unknownWrite(id, journal.location);
  } finally {
    await journal.close();
  }
};

async function list(
  context: CommandContext,
  journal: Journal,
  { gate, limit = defaultLimit }: HistoryOptions,
): Promise<ExitCode> {
  const { output } = context;
  const found = await journal.writes({ limit: gate ? everyWrite : limit });
  const names = gate?.map(name => name.toLowerCase());
  const writes = found
    .filter(
      ({ gateName, gateId }) => names?.some(name => [gateName.toLowerCase(), gateId].includes(name)) ?? true,
    )
    .slice(0, limit);
  if (output.isJson) {
    output.json({ journal: journal.location, writes: writes.map(toJson) });
    return exitCodes.ok;
  }
  if (writes.length === 0) return printNothing(context, journal.location);
  output.table(
    [
      { title: 'ID', align: 'right' },
      { title: 'When' },
      { title: 'Gate', shrinks: true },
      { title: 'What' },
      { title: 'In', align: 'right' },
      { title: 'Out', align: 'right' },
      { title: 'Outcome' },
      { title: 'By', shrinks: true },
      { title: 'Why', goesBelow: true },
    ],
    writes.map(write => {
      const { opened, closed } = differenceOf(write);
      return [
        String(write.id),
        formatTimestamp(write.atMs),
        write.gateName,
        write.kind,
        String(opened.length),
        String(closed.length),
        write.outcome ?? 'unknown',
        write.by,
        write.reason,
      ];
    }),
  );
  return exitCodes.ok;
}

function printWrite({ output }: CommandContext, write: WriteRecord): ExitCode {
  if (output.isJson) {
    output.json(toJson(write));
    return exitCodes.ok;
  }
  const { opened, closed } = differenceOf(write);
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['write', `${write.id}, ${write.kind}, ${write.outcome ?? 'outcome unknown'}`],
    ['gate', `${write.gateName} (${write.gateId})`],
    ['when', formatTimestamp(write.atMs)],
    ['by', write.by],
    ['why', write.reason],
    ['plan', write.planChecksum],
    ['error', write.error ?? undefined],
    ['before', `${write.before.length} entries`],
    [
      'after',
      write.after ? `${write.after.length} entries` : `not read back; ${write.target.length} were to be`,
    ],
  ];
  for (const [name, value] of facts) {
    if (value !== undefined) output.print(`${output.style('dim', name.padEnd(7))} ${printable(value)}`);
  }
  for (const cidr of closed) output.print(output.style('red', `- ${cidr}`));
  for (const cidr of opened) output.print(output.style('green', `+ ${cidr}`));
  if (opened.length + closed.length === 0) output.print('The list is the same before and after.');
  return exitCodes.ok;
}

/** What changed; what was to change where nobody read it back, or where it was put back afterwards. */
function differenceOf({ before, after, target, outcome }: WriteRecord) {
  const result = outcome === 'reverted' ? target : (after ?? target);
  const [was, is] = [new Set(before), new Set(result)];
  return {
    opened: result.filter(cidr => !was.has(cidr)).toSorted(compareCidrs),
    closed: before.filter(cidr => !is.has(cidr)).toSorted(compareCidrs),
  };
}

function toJson(write: WriteRecord) {
  const at = new Date(write.atMs).toISOString();
  return { ...write, at, ...differenceOf(write) };
}

function printNothing({ output }: CommandContext, path: string): ExitCode {
  if (output.isJson) output.json({ journal: path, writes: [] });
  else output.note(`No writes yet in ${path}.`);
  return exitCodes.ok;
}

function unknownWrite(id: string, path: string): never {
  throw new UsageError(`There is no write ${id} in ${path}.`, 'See the ids with: postern history');
}
