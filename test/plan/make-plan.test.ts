import { describe, expect, test } from 'vitest';
import type { Cidr } from '../../src/address/cidr.ts';
import type { Approval } from '../../src/journal/journal.ts';
import { planChecksum } from '../../src/plan/checksum.ts';
import type { FreezeWindow } from '../../src/plan/freeze.ts';
import type { PlanInput } from '../../src/plan/input.ts';
import { makePlan } from '../../src/plan/make-plan.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { defaultRemovalPolicy } from '../../src/plan/removal-policy.ts';
import {
  cidr,
  cidrs,
  dayMs,
  incomplete,
  journalOf,
  limitsOf,
  nowMs,
  observation,
  planInput,
  projectId,
  reading,
  ripe,
  row,
  stateOf,
} from './fixtures.ts';

const a = cidr('3.92.113.229');
const b = cidr('3.208.110.31');
const office = cidr('198.17.0.0/24');
const others = cidrs('52.0.74.246', '3.223.8.180', '34.193.91.42', '34.237.40.31', '3.215.10.168');

const actionOf = (plan: Plan, each: Cidr) => plan.entries.find(entry => entry.cidr === each)?.action;
/** What the gate holds once every step is written; the list as it is when there is none. */
const listAfter = (plan: Plan, before: readonly Cidr[]) => plan.steps.at(-1)?.to ?? before;
const guardsOf = (plan: Plan) => plan.guards.map(({ guard }) => guard);

/** One entry `a` beside others that Atlas wants, so that the feed is never empty. */
function world(given: {
  inGate: boolean;
  ours: boolean;
  wanted: boolean;
  ripe: boolean;
  guarded: boolean;
}): PlanInput {
  const gate = [...others, ...(given.inGate ? [a] : [])];
  const wanted = [...others, ...(given.wanted ? [a] : [])];
  const rowOfA = given.ripe ? [ripe(a)] : given.ours || given.wanted ? [row(a)] : [];
  return planInput({
    state: stateOf(gate),
    feeds: [reading(observation('control-plane', wanted))],
    journal: journalOf(
      [...others, ...(given.ours ? [a] : [])],
      [...others.map(each => row(each)), ...rowOfA],
    ),
    policy: given.guarded ? 'add-only' : 'sync',
  });
}

describe('the truth table', () => {
  const no = false;
  const yes = true;
  test.each<
    [
      inGate: boolean,
      ours: boolean,
      wanted: boolean,
      ripe: boolean,
      guarded: boolean,
      action: string | undefined,
      after: boolean,
    ]
  >([
    [no, no, yes, no, no, 'open', yes],
    [no, no, yes, no, yes, 'open', yes],
    [no, yes, yes, no, no, 'open', yes],
    [no, no, no, no, no, undefined, no],
    [no, yes, no, yes, no, undefined, no],
    [yes, yes, yes, no, no, 'keep', yes],
    [yes, yes, no, no, no, 'retain', yes],
    [yes, yes, no, yes, yes, 'retain', yes],
    [yes, yes, no, yes, no, 'close', no],
    [yes, no, yes, no, no, 'keep', yes],
    [yes, no, no, yes, no, 'leave', yes],
    [yes, no, no, no, no, 'leave', yes],
  ])('in gate %s, ours %s, wanted %s, ripe %s, guarded %s: %s', (inGate, ours, wanted, isRipe, guarded, action, after) => {
    const input = world({ inGate, ours, wanted, ripe: isRipe, guarded });
    const plan = makePlan(input);
    expect(actionOf(plan, a)).toBe(action);
    expect(listAfter(plan, input.state.entries).includes(a)).toBe(after);
  });
});

describe('what an absent address waits for', () => {
  const absent = (more: Parameters<typeof ripe>[1]) => {
    const input = planInput({
      state: stateOf([...others, a]),
      feeds: [reading(observation('control-plane', others))],
      journal: journalOf([...others, a], [...others.map(each => row(each)), ripe(a, more)]),
    });
    return makePlan(input);
  };

  test.each([
    ['the grace period, to the millisecond', { absentSinceMs: nowMs - 7 * dayMs + 1 }, 'in grace'],
    ['a second complete reading', { absentReads: 1 }, 'absent in 1 of 2 complete readings'],
    [
      'a first complete reading',
      { absentSinceMs: null, absentReads: 0 },
      'no complete reading has lacked it yet',
    ],
  ])('%s', (_, more, because) => {
    const plan = absent(more);
    expect(plan.entries.find(entry => entry.cidr === a)).toMatchObject({ action: 'retain', because });
    expect(plan.steps).toEqual([]);
  });

  test('and goes on the millisecond that its grace is over', () => {
    expect(absent({ absentSinceMs: nowMs - 7 * dayMs }).steps).toMatchObject([
      { kind: 'remove', removes: [a] },
    ]);
  });

  test('a policy that asks for fewer than two readings gets two', () => {
    const plan = makePlan(
      planInput({
        state: stateOf([...others, a]),
        feeds: [reading(observation('control-plane', others))],
        journal: journalOf([...others, a], [...others.map(each => row(each)), ripe(a, { absentReads: 1 })]),
        removal: { ...defaultRemovalPolicy, minReads: 0, graceMs: 0 },
      }),
    );
    expect(plan.steps).toEqual([]);
  });
});

/** A dated window around every time of these tests. */
const always: FreezeWindow = {
  kind: 'dated',
  from: '2000-01-01T00:00',
  to: '2100-01-01T00:00',
  timeZone: 'UTC',
  note: undefined,
};

/** A policy that asks for approval, and one that was given: by default for exactly what is ripe, and in time. */
function approved({ removal }: PlanInput, more: Partial<Approval>): Partial<PlanInput> {
  const approval: Approval = {
    id: 1,
    gateId: 'azure-key-vault:/v',
    gateName: 'vault',
    cidrs: [a],
    planChecksum: 'sum',
    by: 'alice',
    reason: 'CHG-7',
    atMs: nowMs - dayMs,
    expiresAtMs: nowMs + 1,
    ...more,
  };
  return {
    removal: { ...removal, approval: 'required' },
    journal: journalOf([...others, a], [...others.map(each => row(each)), ripe(a)], {
      approvals: [approval],
    }),
  };
}

describe('each removal guard holds everything back, and lets additions through', () => {
  const fresh = cidr('44.206.200.18');
  const base = (): PlanInput =>
    planInput({
      state: stateOf([...others, a]),
      feeds: [reading(observation('control-plane', others))],
      journal: journalOf([...others, a], [...others.map(each => row(each)), ripe(a)]),
    });
  const withOpen = (input: PlanInput): PlanInput => ({ ...input, pinned: [fresh] });

  test('exactly approved, and in time: removed', () => {
    const input = { ...base(), ...approved(base(), {}) };
    expect(makePlan(input).steps).toMatchObject([{ kind: 'remove', removes: [a] }]);
  });

  test('on probation no more, to the millisecond: removed', () => {
    const soaked = { lastRemovalAtMs: nowMs - defaultRemovalPolicy.soakMs };
    const journal = journalOf([...others, a], [...others.map(each => row(each)), ripe(a)], soaked);
    expect(makePlan({ ...base(), journal }).steps).toMatchObject([{ kind: 'remove', removes: [a] }]);
  });

  test('what waits is told as `closing`, whatever guard holds it', () => {
    const { removal } = base();
    const plan = makePlan({ ...base(), removal: { ...removal, approval: 'required', freeze: [always] } });
    expect(guardsOf(plan)).toEqual(['frozen', 'not-approved']);
    expect(plan.closing).toEqual([a]);
  });

  test('no guard: removed', () => {
    expect(makePlan(base()).steps).toMatchObject([{ kind: 'remove', removes: [a] }]);
  });

  test.each<[guard: string, more: (input: PlanInput) => Partial<PlanInput>]>([
    ['policy', () => ({ policy: 'add-only' })],
    ['journal-unavailable', () => ({ journal: { available: false, reason: 'disk full' } })],
    ['incomplete-observation', () => ({ feeds: [reading(incomplete('control-plane', others))] })],
    [
      'incomplete-observation',
      ({ feeds }) => ({ feeds: [...feeds, reading(incomplete(`nodes:${projectId}`, []))] }),
    ],
    ['feed-shrank', () => ({ feeds: [reading(observation('control-plane', others), { peakCount: 7 })] })],
    [
      'feed-shrank',
      () => ({ feeds: [reading(observation('control-plane', others), { peakCount: undefined })] }),
    ],
    [
      'unsettled',
      () => ({ journal: journalOf([...others, a], [ripe(a)], { unsettledUntilMs: nowMs + 60_000 }) }),
    ],
    ['too-many-removals', ({ removal }) => ({ removal: { ...removal, maxCount: 0 } })],
    ['settling', ({ gate }) => ({ gate: { ...gate, limits: limitsOf(1000, dayMs * 101) } })],
    [
      'soaking',
      () => ({ journal: journalOf([...others, a], [ripe(a)], { lastRemovalAtMs: nowMs - 29 * 60_000 }) }),
    ],
    ['frozen', ({ removal }) => ({ removal: { ...removal, freeze: [always] } })],
    ['not-approved', ({ removal }) => ({ removal: { ...removal, approval: 'required' } })],
    ['not-approved', input => approved(input, { expiresAtMs: nowMs })],
    ['not-approved', input => approved(input, { cidrs: [a, b] })],
    ['not-approved', input => approved(input, { cidrs: [] })],
    ['clock-went-back', () => ({ journal: journalOf([...others, a], [ripe(a)], { newestAtMs: nowMs + 1 }) })],
    ['atlas-does-not-confirm', () => ({ verdicts: [] })],
    ['atlas-does-not-confirm', () => ({ verdicts: [{ projectId, verdict: 'invalid' }] })],
    ['atlas-does-not-confirm', () => ({ verdicts: [{ projectId, verdict: 'unknown' }] })],
    [
      'atlas-does-not-confirm',
      () => ({
        verdicts: [
          { projectId, verdict: 'valid' },
          { projectId: 'b', verdict: 'unknown' },
        ],
      }),
    ],
    ['kms-alert-open', () => alerts(nowMs - 30 * dayMs)],
    ['kms-alert-open', () => alerts(nowMs - dayMs, nowMs)],
    [
      'kms-alerts-not-read',
      () => ({ alerts: [{ projectId, known: false, because: 'no answer', isRefused: false }] }),
    ],
  ])('%s', (guard, more) => {
    const held = { ...base(), ...more(base()) };
    const plan = makePlan(held);
    // Without a journal nothing is ours, so there is nothing to guard.
    if (held.journal.available) expect(guardsOf(plan)).toContain(guard);
    expect(plan.steps).toEqual([]);

    const adding = makePlan(withOpen(held));
    expect(adding.steps).toMatchObject([{ kind: 'add', adds: [fresh], removes: [] }]);
  });

  test.each<[what: string, more: Partial<PlanInput>, finding: string]>([
    ['an alert that is acknowledged', alerts(nowMs - dayMs, nowMs + 1), 'kms-alert-open'],
    [
      'alerts that these credentials may not read',
      { alerts: [{ projectId, known: false, because: 'status 403', isRefused: true }] },
      'kms-alerts-not-readable',
    ],
  ])('%s holds nothing, and is told', (_, more, finding) => {
    const plan = makePlan({ ...base(), ...more });
    expect(plan.steps).toMatchObject([{ kind: 'remove', removes: [a] }]);
    expect(plan.findings).toMatchObject([{ id: finding, severity: 'warning' }]);
  });

  test('too-large-share: two of six are more than a quarter', () => {
    const input = base();
    const ledger = [...others.slice(1).map(each => row(each)), ripe(a), ripe(others[0]!)];
    const feeds = [reading(observation('control-plane', others.slice(1)))];
    const plan = makePlan({ ...input, feeds, journal: journalOf([...others, a], ledger) });
    expect(guardsOf(plan)).toContain('too-large-share');
    expect(plan.steps).toEqual([]);
  });

  test('an addition in the same plan makes removals wait where writes take time to be in force', () => {
    const input = withOpen(base());
    const slow = { ...input, gate: { ...input.gate, limits: limitsOf(1000, 60_000) } };
    expect(makePlan(slow).steps.map(({ kind }) => kind)).toEqual(['add']);
    expect(makePlan(input).steps.map(({ kind }) => kind)).toEqual(['add', 'remove']);
  });
});

describe('writes that never happen', () => {
  test('observe writes nothing, and shows what it would', () => {
    const plan = makePlan(
      planInput({ policy: 'observe', feeds: [reading(observation('control-plane', [a]))] }),
    );
    expect(plan.steps).toEqual([]);
    expect(guardsOf(plan)).toEqual(['policy']);
    expect(actionOf(plan, a)).toBe('open');
    expect(plan.missing).toEqual([a]);
  });

  test('a list that does not fit, with the figures', () => {
    const wanted = cidrs('3.0.0.1', '3.0.0.3', '3.0.0.5', '3.0.0.7');
    const input = planInput({ feeds: [reading(observation('control-plane', wanted))] });
    const plan = makePlan({ ...input, gate: { ...input.gate, limits: limitsOf(3) } });
    expect(plan.steps).toEqual([]);
    expect(plan.guards[0]?.message).toMatch(/holds 3 entries; 4 are needed.*1 too many/);
  });

  test.each(['10.0.0.1/32', '0.0.0.0/0', '3.0.0.0/8', '192.0.2.1/32', '224.0.0.1/32'])('never %s', text => {
    const poison = cidr(text);
    const plan = makePlan(planInput({ feeds: [reading(observation('control-plane', [a, poison]))] }));
    expect(plan.steps.flatMap(({ to }) => to)).toEqual([a]);
    expect(plan.findings.map(({ id }) => id)).toContain('never-written');
  });

  test('IPv6 where the gate holds none is left out and told', () => {
    const six = cidr('2600:1f18::1/128');
    const plan = makePlan(planInput({ feeds: [reading(observation('control-plane', [a, six]))] }));
    expect(plan.steps.flatMap(({ to }) => to)).toEqual([a]);
    expect(plan.findings.map(({ id }) => id)).toContain('family-not-supported');
  });

  test('an empty list: no feed, no pin, nothing in the gate', () => {
    expect(makePlan(planInput()).steps).toEqual([]);
  });
});

describe('what is in grace stays', () => {
  const block = cidr('3.0.0.0/30');
  const inside = cidr('3.0.0.1');

  test('also where it lies in a block that may go', () => {
    const input = planInput({
      state: stateOf([...others, block]),
      feeds: [reading(observation('control-plane', others))],
      journal: journalOf(
        [...others, block],
        [
          ...others.map(each => row(each)),
          ripe(block),
          ripe(inside, { absentSinceMs: nowMs - dayMs, absentReads: 2 }),
        ],
      ),
    });
    expect(makePlan(input).steps).toMatchObject([{ kind: 'remove', adds: [inside], removes: [block] }]);
  });
});

test('what Atlas wants stays, also where it lies in a block that may go', () => {
  const block = cidr('3.0.0.0/30');
  const inside = cidr('3.0.0.1');
  const input = planInput({
    state: stateOf([...others, block]),
    feeds: [reading(observation('control-plane', [...others, inside]))],
    journal: journalOf([...others, block], [...[...others, inside].map(each => row(each)), ripe(block)]),
  });
  expect(makePlan(input).steps).toMatchObject([{ kind: 'remove', adds: [inside], removes: [block] }]);
});

test('what is not ours, or not there, is no removal, and no guard speaks of it', () => {
  const input = planInput({
    policy: 'add-only',
    state: stateOf([...others, a]),
    feeds: [reading(observation('control-plane', others))],
    journal: journalOf(others, [...others.map(each => row(each)), ripe(a), ripe(b)]),
  });
  expect(makePlan(input)).toMatchObject({ steps: [], guards: [] });
});

test('a clock that does not run makes nothing ripe, whatever was counted', () => {
  const input = planInput({
    state: stateOf([...others, a]),
    feeds: [reading(observation('control-plane', others))],
    journal: journalOf([...others, a], [...others.map(each => row(each)), row(a, { absentReads: 9 })]),
  });
  expect(makePlan(input).steps).toEqual([]);
});

test('what is taken beside the list counts against its limit', () => {
  const input = planInput({
    gate: { id: 'g', kind: 'azure-key-vault', name: 'g', limits: limitsOf(10) },
    state: stateOf([office], { takenElsewhere: 9 }),
    feeds: [reading(observation('control-plane', [a]))],
  });
  const plan = makePlan(input);
  expect(plan.steps).toEqual([]);
  expect(plan.guards).toMatchObject([
    { guard: 'does-not-fit', message: expect.stringMatching(/11 are needed/) },
  ]);
});

describe('a removal that cannot be written is no reason not to add', () => {
  const fresh = cidr('44.206.200.18');
  const four = cidr('3.0.0.0/30');
  const [zero, one, two, three] = cidrs('3.0.0.0', '3.0.0.1', '3.0.0.2', '3.0.0.3') as [
    Cidr,
    Cidr,
    Cidr,
    Cidr,
  ];
  // One of four goes, so one entry becomes two; with the new one the gate is full.
  const input = planInput({
    gate: { id: 'g', kind: 'azure-key-vault', name: 'g', limits: limitsOf(7) },
    state: stateOf([...others, four]),
    feeds: [reading(observation('control-plane', [...others, zero, one, three, fresh]))],
    journal: journalOf(
      [...others, four],
      [...others, zero, one, three].map(each => row(each)).concat(ripe(two)),
    ),
  });

  test('it does not fit: the addition is made, and the removal waits', () => {
    const plan = makePlan(input);
    expect(plan.steps).toMatchObject([{ kind: 'add', adds: [fresh], removes: [] }]);
    expect(plan.guards).toMatchObject([{ guard: 'does-not-fit', blocks: 'removals' }]);
    expect(actionOf(plan, four)).toBe('retain');
  });

  test('an addition that does not fit stops both', () => {
    const plan = makePlan({ ...input, gate: { ...input.gate, limits: limitsOf(6) } });
    expect(plan.steps).toEqual([]);
    expect(plan.guards).toMatchObject([{ guard: 'does-not-fit', blocks: 'write' }]);
  });
});

describe('merging near the limit', () => {
  const pair = cidrs('3.0.0.0', '3.0.0.1');
  const input = planInput({ state: stateOf([office]), feeds: [reading(observation('control-plane', pair))] });
  const atLimit = (max: number) => ({ ...input.gate, limits: limitsOf(max) });

  test('far from it, addresses stay as the feed gives them', () => {
    expect(makePlan(input).steps).toMatchObject([{ to: [office, ...pair] }]);
  });

  test('near it, ours are merged without letting anyone else in, and foreign entries stay', () => {
    expect(makePlan({ ...input, gate: atLimit(3) }).steps).toMatchObject([
      { to: [office, cidr('3.0.0.0/31')] },
    ]);
  });

  test('neighbours are merged no further than may be written', () => {
    const halves = cidrs('52.0.0.0/16', '52.1.0.0/16', '52.2.0.0/16', '52.3.0.0/16');
    const feeds = [reading(observation('control-plane', [...halves, ...pair]))];
    const plan = makePlan({ ...input, feeds, gate: atLimit(6) });
    expect(plan.guards).toEqual([]);
    expect(plan.steps[0]!.to).toEqual([office, cidr('3.0.0.0/31'), ...halves]);
  });

  test('a merged entry of ours that is still wanted whole is kept as it is', () => {
    const merged = cidr('3.0.0.0/31');
    const plan = makePlan({
      ...input,
      state: stateOf([office, merged]),
      journal: journalOf(
        [merged],
        pair.map(each => row(each)),
      ),
    });
    expect(plan.steps).toEqual([]);
    expect(actionOf(plan, merged)).toBe('keep');
  });

  test('half of a merged entry goes: the other half replaces it in one write', () => {
    const merged = cidr('3.0.0.0/31');
    const [zero, one] = pair as [Cidr, Cidr];
    const plan = makePlan({
      ...input,
      state: stateOf([...others, merged]),
      feeds: [reading(observation('control-plane', [...others, zero]))],
      journal: journalOf([...others, merged], [...others.map(each => row(each)), row(zero), ripe(one)]),
    });
    expect(plan.steps).toMatchObject([{ kind: 'remove', adds: [zero], removes: [merged] }]);
  });
});

describe('whose entry it is', () => {
  test('a wanted address under a broader foreign entry is opened all the same', () => {
    const broad = cidr('3.92.0.0/16');
    const plan = makePlan(
      planInput({ state: stateOf([broad]), feeds: [reading(observation('control-plane', [a]))] }),
    );
    expect(plan.steps).toMatchObject([{ kind: 'add', to: [broad, a] }]);
    expect(plan.missing).toEqual([]);
    expect(plan.findings.map(({ id }) => id)).toContain('relies-on-foreign');
  });

  test('adopt takes over what Atlas wants or wanted, and nothing else', () => {
    const plan = makePlan(
      planInput({
        adopt: true,
        state: stateOf([a, b, office]),
        feeds: [reading(observation('control-plane', [a]))],
        journal: journalOf([], [row(a), ripe(b)]),
      }),
    );
    expect(plan.adopts).toEqual([a, b]);
    expect(actionOf(plan, office)).toBe('leave');
  });

  test('without adopt, hand-made entries are foreign, also when Atlas drops them', () => {
    const plan = makePlan(
      planInput({
        state: stateOf([a, b]),
        feeds: [reading(observation('control-plane', [a]))],
        journal: journalOf([], [row(a), ripe(b)]),
      }),
    );
    expect(plan.adopts).toEqual([]);
    expect(actionOf(plan, b)).toBe('leave');
    expect(plan.findings.map(({ id }) => id)).toContain('foreign-but-wanted');
  });
});

describe('an incomplete observation', () => {
  test('adds what it lists, and what the last complete one listed is wanted still', () => {
    const feeds = [reading(incomplete('control-plane', [a]), { base: observation('control-plane', [b]) })];
    expect(makePlan(planInput({ feeds })).steps).toMatchObject([{ kind: 'add', to: [a, b] }]);
  });
});

describe('the checksum', () => {
  const input = planInput({ feeds: [reading(observation('control-plane', [a]))] });

  test('is over each part by itself', () => {
    const { gate, policy } = makePlan(input);
    const parts = { gate, policy, adopts: [], steps: [{ kind: 'add', from: [office], to: [office, a] }] };
    const sum = (more: object) => planChecksum({ ...parts, ...more } as never);
    const sums = [
      sum({}),
      sum({ gate: { ...gate, id: 'other' } }),
      sum({ policy: 'observe' }),
      sum({ adopts: [b] }),
      sum({ steps: [{ kind: 'remove', from: [office], to: [office, a] }] }),
      sum({ steps: [{ kind: 'add', from: [office, b], to: [office, a] }] }),
      sum({ steps: [{ kind: 'add', from: [office], to: [office, b] }] }),
    ];
    expect(new Set(sums).size).toBe(sums.length);
    expect(sum({ steps: [{ kind: 'add', from: [office], to: [a, office] }] })).toBe(sums[0]);
  });

  test('is the same a minute later', () => {
    expect(makePlan({ ...input, nowMs: nowMs + 60_000 }).checksum).toBe(makePlan(input).checksum);
  });

  test.each<[string, Partial<PlanInput>]>([
    ['another address is wanted', { feeds: [reading(observation('control-plane', [a, b]))] }],
    ['the gate has another entry', { state: stateOf([office]) }],
    ['the policy differs', { policy: 'add-only' }],
    ['it is another gate', { gate: { ...input.gate, id: 'azure-key-vault:/other' } }],
  ])('differs when %s', (_, more) => {
    expect(makePlan({ ...input, ...more }).checksum).not.toBe(makePlan(input).checksum);
  });
});

/** One alert, open since a time, and acknowledged until another. */
function alerts(openedAtMs: number, acknowledgedUntilMs?: number): Pick<PlanInput, 'alerts'> {
  const type = 'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED';
  return { alerts: [{ projectId, known: true, open: [{ id: '1', type, openedAtMs, acknowledgedUntilMs }] }] };
}
