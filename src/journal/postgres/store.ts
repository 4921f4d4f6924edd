/**
 * The journal in a database as a daemon keeps it: opened again after a fault, with a spool on this machine for
 * what is added meanwhile. No file of it can be deleted under the daemon, so there is nothing to look after.
 */
import type { Secret } from '../../secret.ts';
import type { Journal } from '../journal.ts';
import { appendToSpool, drainSpool, type SpooledWrite, spoolPaths } from '../spool.ts';
import { parseDatabaseUrl } from './address.ts';
import { openPostgresJournal } from './open.ts';

/**
 * @param statePath where the journal's file would be: the spool is beside it
 * @throws JournalError when the URL is none
 */
export function postgresStore({ url, statePath }: { readonly url: Secret; readonly statePath: string }) {
  const spool = spoolPaths(statePath);
  return {
    location: parseDatabaseUrl(url).location,
    open: (): Promise<Journal> => openPostgresJournal({ url }),
    spool: (write: SpooledWrite): void => appendToSpool(spool, write),
    drain: (
      journal: Journal,
      onFault: (message: string) => void,
      kept?: readonly SpooledWrite[],
    ): Promise<number> => drainSpool(spool, journal, { onFault, kept }),
  };
}
