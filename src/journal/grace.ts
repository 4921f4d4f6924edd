import type { Cidr } from '../address/cidr.ts';
import { restartGrace } from '../plan/ledger.ts';
import type { Journal, LockToken } from './journal.ts';

/** Notes that the grace of what is let in again, by whomever, begins now. Throws as the journal does. */
export async function beginGraceAnew(
  journal: Journal,
  gateId: string,
  cidrs: readonly Cidr[],
  atMs: number,
  lock?: LockToken,
): Promise<void> {
  await journal.saveLedger(gateId, restartGrace(await journal.ledger(gateId), cidrs, atMs), lock);
}
