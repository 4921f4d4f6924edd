/**
 * The journal's file as a daemon keeps it: opened again after a fault, and noticed when it is deleted or
 * replaced. A deleted file lives on while it is open, so what it holds can be written back.
 */
import { chmodSync, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import type { JournalStore } from '../../watch/watch.ts';
import { appendToSpool, drainSpool, spoolPaths } from '../spool.ts';
import { openJournal } from './open.ts';

export function sqliteStore(options: { readonly path: string; readonly clock: Clock }): JournalStore {
  const { path, clock } = options;
  const spool = spoolPaths(path);
  const rescued = `${path}.rescued`;
  let open: { readonly database: DatabaseSync; readonly identity: string | undefined } | undefined;
  return {
    location: path,
    async open() {
      putInPlace(rescued, path);
      let opened: DatabaseSync | undefined;
      const journal = await openJournal({
        path,
        clock,
        onOpen: database => {
          opened = database;
        },
      });
      open = { database: opened!, identity: identityOf(path) };
      return journal;
    },
    spool: write => appendToSpool(spool, write),
    drain: (journal, onFault, kept) => drainSpool(spool, journal, { onFault, kept }),
    isInPlace: () => open === undefined || open.identity === identityOf(path),
    rescue() {
      // Another file stands there: it is someone's wish, and counts.
      if (!open?.database.isOpen || existsSync(path)) return false;
      try {
        rmSync(rescued, { force: true });
        open.database.prepare('vacuum into ?').run(rescued);
        chmodSync(rescued, 0o600);
        return true;
      } catch {
        return false;
      }
    },
  };
}

/**
 * A copy takes its place only once the deleted database is closed, and without the log of the deleted one:
 * SQLite would play that into the copy.
 */
function putInPlace(copy: string, path: string): void {
  if (!existsSync(copy) || existsSync(path)) return;
  for (const ending of ['-wal', '-shm']) rmSync(path + ending, { force: true });
  renameSync(copy, path);
}

function identityOf(path: string): string | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat && `${stat.dev}:${stat.ino}`;
}
