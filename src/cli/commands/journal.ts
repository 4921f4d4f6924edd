/** `postern journal info` and `postern journal migrate`: where the journal is, what it holds, and moving it. */
import { existsSync } from 'node:fs';
import { resolveSecret, systemFiles } from '../../config/index.ts';
import { parseSecretReference } from '../../config/secret-reference.ts';
import { copyJournal, countRows } from '../../journal/copy.ts';
import { JournalError } from '../../journal/errors.ts';
import { type JournalPlace, openStoreAt } from '../../journal/open.ts';
import { Secret } from '../../secret.ts';
import type { CommandAction, CommandContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { UsageError } from '../failures.ts';

interface JournalOptions {
  readonly from?: string;
  readonly to?: string;
}

export const run: CommandAction<JournalOptions> = async (context, [action], options) => {
  if (action === 'info') return await info(context);
  if (action === 'migrate') return await migrate(context, options);
  throw new UsageError(`There is no \`postern journal ${action ?? ''}\`.`, 'There are info and migrate.');
};

async function info(context: CommandContext): Promise<ExitCode> {
  const config = context.loadConfig();
  const place = { path: context.statePathOf(config), database: context.databaseOf(config) };
  // Looking at a journal makes none.
  if (!place.database && !existsSync(place.path)) {
    throw new JournalError(
      `There is no journal at ${place.path} yet.`,
      'Run plan or apply, or name it with --state.',
    );
  }
  const store = await openStoreAt(place);
  try {
    const journal = {
      location: store.location,
      kind: place.database ? 'postgresql' : 'sqlite',
      bytes: await store.sizeBytes(),
      schemaVersion: store.schemaVersion,
      rows: await countRows(store),
    };
    if (context.output.isJson) context.output.json(journal);
    else {
      const lines = [
        ['journal', journal.location],
        ['kind', journal.kind === 'sqlite' ? 'SQLite' : 'PostgreSQL'],
        ['size', `${(journal.bytes / 1024 / 1024).toFixed(1)} MiB`],
        ['schema', String(journal.schemaVersion)],
        ...Object.entries(journal.rows).map(([table, rows]) => [table, String(rows)]),
      ];
      context.output.table([{ title: 'What' }, { title: 'Value', shrinks: true }], lines);
    }
    return exitCodes.ok;
  } finally {
    await store.db.destroy();
  }
}

async function migrate(context: CommandContext, { from, to }: JournalOptions): Promise<ExitCode> {
  if (from === undefined || to === undefined) {
    throw new UsageError(
      'Moving a journal needs to know from where and to where.',
      'Give --from and --to: each a path, a postgresql:// URL, or env:NAME or file:PATH of one.',
    );
  }
  const [source, target] = [placeOf(context, from), placeOf(context, to)];
  if (!source.database && !existsSync(source.path))
    throw new UsageError(`There is no journal at ${source.path}.`, 'See --from.');
  const reading = await openStoreAt(source);
  try {
    const writing = await openStoreAt(target);
    try {
      const copies = await copyJournal(reading, writing, ({ table, rows }) =>
        context.output.note(`… ${table}: ${rows} rows, read back and compared`),
      );
      const rows = copies.reduce((sum, copy) => sum + copy.rows, 0);
      const result = { from: reading.location, to: writing.location, tables: copies };
      if (context.output.isJson) context.output.json(result);
      else {
        context.output.print(`${rows} rows were copied from ${result.from} to ${result.to}.`);
        context.output.print(
          target.database
            ? 'Now set POSTERN_DATABASE_URL, or `database` in the config, for every process. The old journal is as it was.'
            : 'Now unset POSTERN_DATABASE_URL, take `database` out of the config, and name the file with --state or `state`. The old journal is as it was.',
        );
      }
      return exitCodes.ok;
    } finally {
      await writing.db.destroy();
    }
  } finally {
    await reading.db.destroy();
  }
}

/** A path, a URL, or a reference to a URL. */
function placeOf({ env, output }: CommandContext, text: string): JournalPlace & { readonly path: string } {
  const reference = parseSecretReference(text, process.cwd());
  if (reference) return { path: '', database: resolveSecret(reference, env, systemFiles).secret };
  if (!/^postgres(ql)?:/.test(text)) return { path: text };
  if (URL.parse(text)?.password) {
    output.warn(
      'The password in that URL can be seen by every user of this machine, and stays in the shell’s history: give env:POSTERN_DATABASE_URL instead.',
    );
  }
  return { path: '', database: new Secret(text, 'the URL that was given') };
}
