/**
 * The fleet's budgets for a long-running process: opened when first asked for, and given up for a while when the
 * database does not answer soon, since an address that is needed must not wait for it.
 */
import { type Clock, msLeft } from '../../clock.ts';
import { openPostgresStore } from '../../journal/postgres/open.ts';
import type { Secret } from '../../secret.ts';
import { within } from '../waker.ts';
import { openRateBudgets, type RateBudgets } from './budget.ts';
import { isRotated } from './rotated.ts';

const answerWithinMs = 2_000;
const awayMs = 30_000;

/**
 * `take` rejects within seconds while the database is away.
 *
 * @param options `database` is asked each time that they are opened, so that a rotated password is noticed
 */
export function keptRateBudgets(
  { database, clock }: { readonly database: () => Secret; readonly clock: Clock },
  open: (database: Secret) => Promise<RateBudgets> = openFrom,
): RateBudgets {
  let opened: Promise<RateBudgets> | undefined;
  let openedWith: string | undefined;
  const openNow = async () => {
    const secret = database();
    openedWith = secret.reveal();
    return await open(secret);
  };
  let awayUntilMs = Number.NEGATIVE_INFINITY;
  return {
    async take(budget) {
      if (msLeft(awayUntilMs, clock.now(), awayMs) > 0)
        throw new Error('The budgets were away a moment ago.');
      try {
        opened ??= openNow();
        const taken = opened.then(budgets => budgets.take(budget));
        const waitMs = await within(clock, answerWithinMs, taken, () => undefined);
        if (waitMs === undefined) throw new Error('The budgets did not answer in time.');
        return waitMs;
      } catch (error) {
        // One that could not be opened is opened anew; an open one makes its connections anew by itself, but with
        // the password that it was opened with. The connections that it has end when nobody uses them.
        opened?.catch(() => {
          opened = undefined;
        });
        if (isRotated(database, openedWith)) opened = undefined;
        awayUntilMs = clock.now() + awayMs;
        throw error;
      }
    },
  };
}

async function openFrom(database: Secret): Promise<RateBudgets> {
  return await openRateBudgets(await openPostgresStore({ url: database }));
}
