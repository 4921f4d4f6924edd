/** One target, attacked with damaged documents: what is thrown, how long it takes, and what it leaves behind. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Target } from './targets.ts';

/** An answer that takes longer than this on a busy machine is a way to stop a daemon. */
const longestMs = 3_000;

export async function attack(
  { inputs, check }: Target,
  { seed, runs, forMs }: { readonly seed: number; readonly runs: number; readonly forMs?: number },
): Promise<void> {
  const property = fc.asyncProperty(inputs(), async input => {
    const startedMs = performance.now();
    await check(input);
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs < longestMs, `it took ${Math.round(tookMs)} ms`);
    assert.equal(({} as { polluted?: unknown }).polluted, undefined, 'every object has a new member');
  });
  await fc.assert(property, {
    seed,
    numRuns: runs,
    ...(forMs !== undefined && { interruptAfterTimeLimit: forMs, markInterruptAsFailure: false }),
  });
}
