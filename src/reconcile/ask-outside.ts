/** A question to the operator, asked while nobody holds the gate's lock. */
import type { RunResult } from './run.ts';

/**
 * Works until it comes to a question, gives the lock up, asks, and works again: what was said yes to is done, and
 * anything else that it has come to by then is asked anew.
 *
 * @param work one run under the lock; what it is to ask gives false for what nobody has said yes to, and it ends then
 */
export async function askOutside<Change>(
  confirm: (change: Change) => Promise<boolean>,
  isSame: (a: Change, b: Change) => boolean,
  work: (ask: (change: Change) => Promise<boolean>) => Promise<RunResult>,
): Promise<RunResult> {
  let agreed: Change | undefined;
  for (;;) {
    const asked: Change[] = [];
    const result = await work(async change => {
      if (agreed !== undefined && isSame(agreed, change)) return true;
      asked.push(change);
      return false;
    });
    const [change] = asked;
    if (change === undefined || !(await confirm(change))) return result;
    agreed = change;
  }
}
