/**
 * The invariants of DESIGN.md §3 that a plan alone must hold, attacked with generated worlds. Addresses come
 * from one small block, so that entries overlap, touch and merge often.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AddressSet } from '../../src/address/address-set.ts';
import { type Cidr, parseCidr } from '../../src/address/cidr.ts';
import { neverWrittenReason } from '../../src/address/classify.ts';
import type { Approval, LedgerRow } from '../../src/journal/journal.ts';
import type { FreezeWindow } from '../../src/plan/freeze.ts';
import type { KeyVerdict, PlanInput } from '../../src/plan/input.ts';
import { makePlan } from '../../src/plan/make-plan.ts';
import type { Policy } from '../../src/plan/plan.ts';
import { type ApprovalMode, defaultRemovalPolicy } from '../../src/plan/removal-policy.ts';
import { wantedOfGate } from '../../src/plan/wanted.ts';
import {
  dayMs,
  incomplete,
  journalOf,
  limitsOf,
  nowMs,
  observation,
  planInput,
  projectId,
  reading,
  row,
  stateOf,
} from './fixtures.ts';

const block: fc.Arbitrary<Cidr> = fc
  .record({ offset: fc.nat(63), bits: fc.constantFrom(32, 32, 32, 31, 30, 28) })
  .map(({ offset, bits }) => parseCidr(`3.92.113.${offset}/${bits}`, { hostBits: 'mask' }));
const poison = fc.constantFrom('0.0.0.0/0', '10.0.0.1/32', '3.0.0.0/8', '::/0').map(text => parseCidr(text));
/** The first value in most worlds, so that the others do not hide each other. */
const mostly = <T>(usual: T, ...others: readonly T[]) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
const list = (max: number) => fc.uniqueArray(block, { maxLength: max });

const ledgerRow = (cidr: Cidr): fc.Arbitrary<LedgerRow> =>
  fc
    .record({ absentMs: fc.option(fc.integer({ min: 0, max: 20 * dayMs })), reads: fc.nat(5) })
    .map(({ absentMs, reads }) =>
      row(cidr, {
        absentSinceMs: absentMs === null ? null : nowMs - absentMs,
        absentReads: absentMs === null ? 0 : reads,
        lastAbsentReadAtMs: absentMs === null ? null : nowMs - Math.min(absentMs, 60_000),
      }),
    );

const world: fc.Arbitrary<PlanInput> = fc
  .record({
    gate: list(12),
    listed: list(12),
    poisoned: fc.array(poison, { maxLength: 2 }),
    base: fc.option(list(12), { nil: undefined }),
    complete: mostly(true, false),
    pinned: list(2),
    isOurs: fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
    adopt: fc.boolean(),
    policy: mostly<Policy>('sync', 'add-only', 'observe'),
    maxEntries: fc.constantFrom(3, 8, 14, 1000),
    journal: mostly(true, false),
    verdict: mostly<KeyVerdict['verdict']>('valid', 'invalid', 'unknown'),
    extraRows: list(4),
    maxShare: fc.constantFrom(0.25, 1),
    approval: mostly<ApprovalMode>('none', 'required'),
    approved: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, list(3)),
    isFrozen: mostly(false, true),
    soakedMs: mostly(dayMs, 60_000),
  })
  .chain(given => {
    const rows = [...new Set([...given.gate, ...given.listed, ...given.extraRows])];
    return fc.tuple(...rows.map(ledgerRow)).map((ledger): PlanInput => {
      const wanted = [...given.listed, ...given.poisoned];
      const newest = given.complete
        ? observation('control-plane', wanted)
        : incomplete('control-plane', wanted);
      const owned = given.gate.filter((_, index) => given.isOurs[index]);
      const isWanted = new Set<string>([...wanted, ...given.pinned]);
      return planInput({
        gate: { id: 'g', kind: 'azure-key-vault', name: 'g', limits: limitsOf(given.maxEntries) },
        state: stateOf(given.gate),
        feeds: [reading(newest, { base: given.base && observation('control-plane', given.base) })],
        pinned: given.pinned,
        adopt: given.adopt,
        policy: given.policy,
        removal: {
          ...defaultRemovalPolicy,
          maxShare: given.maxShare,
          approval: given.approval,
          freeze: given.isFrozen ? [always] : [],
        },
        // `advanceLedger` leaves no clock running for what is wanted.
        journal: given.journal
          ? journalOf(
              owned,
              ledger.map(each => (isWanted.has(each.cidr) ? row(each.cidr) : each)),
              {
                lastRemovalAtMs: nowMs - given.soakedMs,
                // Most often exactly what is ripe: a yes to anything else is none.
                approvals: [approvalOf(given.approved ?? ripeOf(ledger, owned, isWanted))],
              },
            )
          : { available: false, reason: 'disk full' },
        verdicts: [{ projectId, verdict: given.verdict }],
      });
    });
  });

const always: FreezeWindow = {
  kind: 'weekly',
  from: { day: 'mon', minute: 0 },
  to: { day: 'sun', minute: 1440 },
  timeZone: 'UTC',
  note: undefined,
};

function approvalOf(cidrs: readonly Cidr[]): Approval {
  const who = { gateId: 'g', gateName: 'g', planChecksum: '', by: 'alice', reason: 'CHG-7' };
  return { id: 1, ...who, cidrs, atMs: nowMs - 1, expiresAtMs: nowMs + 1 };
}

/** What a gate's planner calls `closing`, found the simple way. */
function ripeOf(
  ledger: readonly LedgerRow[],
  owned: readonly Cidr[],
  isWanted: ReadonlySet<string>,
): readonly Cidr[] {
  const ours = AddressSet.of(owned);
  const wanted = AddressSet.of([...isWanted].filter(text => !text.includes(':')).map(text => text as Cidr));
  return ledger
    .filter(
      ({ absentSinceMs, absentReads }) =>
        absentSinceMs !== null && absentReads >= 2 && nowMs - absentSinceMs >= 7 * dayMs,
    )
    .map(({ cidr }) => cidr)
    .filter(cidr => ours.overlaps(cidr) && !wanted.overlaps(cidr));
}

const runs = { numRuns: 2_000 };
const holds = (check: (input: PlanInput) => void) => fc.assert(fc.property(world, check), runs);

const wantedOf = (input: PlanInput) =>
  wantedOfGate(input.feeds, input.pinned)
    .map(({ cidr }) => cidr)
    .filter(cidr => neverWrittenReason(cidr) === undefined && !cidr.includes(':'));
const ownedOf = ({ journal, state, adopt }: PlanInput, adopts: readonly Cidr[]) => {
  const owned = new Set<string>(journal.available ? journal.owned.map(({ cidr }) => cidr) : []);
  if (adopt) for (const cidr of adopts) owned.add(cidr);
  return state.entries.filter(cidr => owned.has(cidr));
};
const removedCoverage = (input: PlanInput, to: readonly Cidr[]) =>
  AddressSet.of(input.state.entries).difference(AddressSet.of(to));

describe('whatever the world', () => {
  test('1: after each write, everything wanted is let in, and every foreign entry is there untouched', () => {
    holds(input => {
      const plan = makePlan(input);
      const ours = new Set(ownedOf(input, plan.adopts));
      for (const step of plan.steps) {
        const after = AddressSet.of(step.to);
        for (const cidr of wantedOf(input)) expect(after.covers(cidr)).toBe(true);
        for (const cidr of input.state.entries) if (!ours.has(cidr)) expect(step.to).toContain(cidr);
      }
    });
  });

  test('1: nothing is let in beside foreign, pinned, wanted and what was let in before', () => {
    holds(input => {
      const allowed = AddressSet.of([...input.state.entries, ...wantedOf(input)]);
      for (const step of makePlan(input).steps) expect(allowed.covers(AddressSet.of(step.to))).toBe(true);
    });
  });

  test('2: an incomplete observation never takes coverage away', () => {
    holds(input => {
      fc.pre(!input.feeds[0]!.newest.complete);
      for (const step of makePlan(input).steps) expect(removedCoverage(input, step.to).isEmpty).toBe(true);
    });
  });

  test('3: additions come first and take nothing away; a removal starts from what they wrote', () => {
    holds(input => {
      const { steps } = makePlan(input);
      let list: readonly Cidr[] = input.state.entries;
      for (const [index, step] of steps.entries()) {
        expect([...step.from].sort()).toEqual([...list].sort());
        if (step.kind === 'add') {
          expect(index).toBe(0);
          expect(AddressSet.of(step.to).covers(AddressSet.of(step.from))).toBe(true);
        }
        list = step.to;
      }
      expect(steps.length).toBeLessThanOrEqual(2);
    });
  });

  test('4: what is taken away was ours, absent in two readings and past its grace, and Atlas confirms the key', () => {
    holds(input => {
      const plan = makePlan(input);
      const ours = AddressSet.of(ownedOf(input, plan.adopts));
      for (const step of plan.steps) {
        const taken = removedCoverage(input, step.to);
        if (taken.isEmpty) continue;
        if (!input.journal.available) throw new Error('removed without a journal');
        const ripe = input.journal.ledger.filter(
          each =>
            each.absentSinceMs !== null && each.absentReads >= 2 && nowMs - each.absentSinceMs >= 7 * dayMs,
        );
        expect(AddressSet.of(ripe.map(({ cidr }) => cidr)).covers(taken)).toBe(true);
        expect(ours.covers(taken)).toBe(true);
        expect(input.policy).toBe('sync');
        expect(input.removal.freeze).toEqual([]);
        expect(nowMs - input.journal.lastRemovalAtMs!).toBeGreaterThanOrEqual(input.removal.soakMs);
        if (input.removal.approval === 'required') {
          expect([...input.journal.approvals[0]!.cidrs].sort()).toEqual([...plan.closing].sort());
        }
        expect(input.verdicts[0]!.verdict).toBe('valid');
        expect(ripe.filter(({ cidr }) => taken.overlaps(cidr)).length).toBeLessThanOrEqual(
          input.removal.maxCount,
        );
      }
    });
  });

  test('4: the property would hold of a planner that never removes; this one does', () => {
    // The same worlds each time, so that the counts are no matter of luck.
    const removing = fc
      .sample(world, { numRuns: 4_000, seed: 4 })
      .filter(input => makePlan(input).steps.some(({ to }) => !removedCoverage(input, to).isEmpty));
    expect(removing.length).toBeGreaterThan(20);
    expect(removing.filter(({ removal }) => removal.approval === 'required').length).toBeGreaterThan(2);
  });

  test('5: never an empty list, nothing reserved or too broad, never more than the gate holds', () => {
    holds(input => {
      for (const step of makePlan(input).steps) {
        expect(step.to.length).toBeGreaterThan(0);
        expect(step.to.length).toBeLessThanOrEqual(input.gate.limits.measure([]).limit);
        for (const cidr of step.to) {
          if (!input.state.entries.includes(cidr)) expect(neverWrittenReason(cidr)).toBeUndefined();
        }
      }
    });
  });

  test('observe never has a step, and the same input has the same checksum', () => {
    holds(input => {
      const plan = makePlan(input);
      if (input.policy === 'observe') expect(plan.steps).toEqual([]);
      expect(makePlan(input)).toEqual(plan);
    });
  });

  test('carried out, it comes to rest: nothing is missing at once, and nothing is left to add soon after', () => {
    holds(input => {
      const first = makePlan(input);
      fc.pre(first.steps.length > 0 && input.journal.available);
      const foreign = new Set(
        input.state.entries.filter(cidr => !ownedOf(input, first.adopts).includes(cidr)),
      );
      let plan = first;
      for (let round = 0; round < 3; round++) {
        const after: readonly Cidr[] = plan.steps.at(-1)?.to ?? [];
        const owned = after
          .filter(cidr => !foreign.has(cidr))
          .map(cidr => ({ cidr, how: 'written', sinceMs: 0 }));
        plan = makePlan({
          ...input,
          state: stateOf(after),
          journal: { ...input.journal, owned } as PlanInput['journal'],
        });
        expect(plan.missing).toEqual([]);
        if (!plan.steps.some(({ kind }) => kind === 'add')) return;
      }
      throw new Error('still adding after three rounds');
    });
  });
});
