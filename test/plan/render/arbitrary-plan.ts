/** Any plan that the type allows, whether or not `makePlan` would make it. */
import fc from 'fast-check';
import { clouds, directions, type FeedId, type Provenance } from '../../../src/address/address.ts';
import { type Finding, severities } from '../../../src/finding.ts';
import { type GateUsage, gateKinds, lets } from '../../../src/gates/gate.ts';
import {
  entryActions,
  type GuardTrip,
  type Plan,
  type PlanEntry,
  type PlanFeed,
  type PlanStep,
  policies,
} from '../../../src/plan/plan.ts';
import { calendarEndMs } from '../../../src/plan/render/time.ts';
import { anyBlock, toCidr } from '../../address/arbitraries.ts';

const nasty = [
  '<script>',
  'a|b',
  '`',
  '```',
  '\u001b[31m',
  '\n# x',
  '\u202e',
  '@team',
  '\ud800',
  '__proto__',
  '',
];
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.lorem({ maxCount: 12 }),
  fc.constantFrom(...nasty),
);
const cidr = anyBlock.map(toCidr);
const cidrs = fc.array(cidr, { maxLength: 6 });
const atMs = fc.integer({ min: -calendarEndMs, max: calendarEndMs });
const natural = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const feedId: fc.Arbitrary<FeedId> = fc.oneof(
  fc.constantFrom('control-plane' as const, 'static' as const),
  text.map(project => `nodes:${project}` as const),
);

const provenance: fc.Arbitrary<Provenance> = fc.record(
  {
    feed: feedId,
    direction: fc.constantFrom(...directions),
    future: fc.boolean(),
    cloud: fc.constantFrom(...clouds),
    region: text,
    projectId: text,
    cluster: text,
    gateway: text,
    note: text,
  },
  { requiredKeys: ['feed', 'direction', 'future'] },
);

const entry: fc.Arbitrary<PlanEntry> = fc.record(
  {
    cidr,
    action: fc.constantFrom(...entryActions),
    because: text,
    owner: fc.constantFrom('postern', 'foreign'),
    provenance: fc.array(provenance, { maxLength: 3 }),
    absentSinceMs: atMs,
    closesAtMs: atMs,
  },
  { requiredKeys: ['cidr', 'action', 'because', 'owner', 'provenance'] },
);

const usage: fc.Arbitrary<GateUsage> = fc.record({
  used: natural,
  limit: natural,
  unit: fc.constantFrom('entries', 'characters', 'bytes'),
});

const step: fc.Arbitrary<PlanStep> = fc.record({
  kind: fc.constantFrom('add', 'remove'),
  from: cidrs,
  to: cidrs,
  adds: cidrs,
  removes: cidrs,
  usage,
});

const guard: fc.Arbitrary<GuardTrip> = fc.record({
  guard: text,
  blocks: fc.constantFrom('removals', 'write'),
  message: text,
  remedy: text,
});

const finding: fc.Arbitrary<Finding> = fc.record(
  { id: text, severity: fc.constantFrom(...severities), message: text, remedy: text },
  { requiredKeys: ['id', 'severity', 'message'] },
);

const feed: fc.Arbitrary<PlanFeed> = fc.record({
  feed: feedId,
  atMs,
  complete: fc.boolean(),
  addresses: natural,
  faults: fc.array(text, { maxLength: 5 }),
});

const plan: fc.Arbitrary<Plan> = fc.record({
  version: fc.constant(1),
  gate: fc.record({
    id: text,
    kind: fc.constantFrom(...gateKinds),
    name: text,
    lets: fc.constantFrom(...lets),
  }),
  policy: fc.constantFrom(...policies),
  atMs,
  feeds: fc.array(feed, { maxLength: 3 }),
  entries: fc.array(entry, { maxLength: 8 }),
  adopts: cidrs,
  steps: fc.array(step, { maxLength: 2 }),
  guards: fc.array(guard, { maxLength: 3 }),
  findings: fc.array(finding, { maxLength: 6 }),
  usage: fc.record({ now: usage, after: usage }),
  missing: cidrs,
  closing: cidrs,
  checksum: text,
});

export const anyPlans: fc.Arbitrary<readonly Plan[]> = fc.array(plan, { maxLength: 3 });
