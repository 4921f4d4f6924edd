import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLimit } from '../../src/limit.ts';

test('never more than the limit at once, everything done, in order, whatever fails', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.record({ turns: fc.integer({ min: 0, max: 4 }), fails: fc.boolean() }), { maxLength: 30 }),
      async (most, jobs) => {
        const limit = createLimit(most);
        let running = 0;
        let peak = 0;
        const begun: number[] = [];
        const outcomes = await Promise.allSettled(
          jobs.map(({ turns, fails }, index) =>
            limit(async () => {
              begun.push(index);
              peak = Math.max(peak, ++running);
              for (let turn = 0; turn < turns; turn++) await Promise.resolve();
              running--;
              if (fails) throw new Error('no');
              return index;
            }),
          ),
        );
        expect(peak).toBeLessThanOrEqual(most);
        expect(begun).toEqual(jobs.map((_, index) => index));
        expect(outcomes.map(({ status }) => status === 'rejected')).toEqual(jobs.map(({ fails }) => fails));
      },
    ),
  );
});
