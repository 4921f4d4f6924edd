/** The shape of a plan at the border. Strict: a key that is not known was meant to do something. */
import { z } from 'zod';
import { clouds, directions, type FeedId } from '../../address/address.ts';
import { type Cidr, tryParseCidr } from '../../address/cidr.ts';
import { severities } from '../../finding.ts';
import { gateKinds, lets } from '../../gates/gate.ts';
import { entryActions, type Plan, policies } from '../plan.ts';
import { calendarEndMs } from './time.ts';

const cidr = z.string().transform((text, context): Cidr => {
  const result = tryParseCidr(text);
  if (result.ok && result.cidr === text) return result.cidr;
  const message = result.ok
    ? `expected the canonical form ${result.cidr}, got ${text}`
    : result.error.message;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const feedId = z.custom<FeedId>(
  value =>
    value === 'control-plane' ||
    value === 'static' ||
    (typeof value === 'string' && value.startsWith('nodes:')),
  'expected control-plane, static, or nodes: and a project',
);

const atMs = z.int().min(-calendarEndMs).max(calendarEndMs);
const natural = z.int().min(0);

const provenance = z.strictObject({
  feed: feedId,
  direction: z.enum(directions),
  future: z.boolean(),
  cloud: z.enum(clouds).exactOptional(),
  region: z.string().exactOptional(),
  projectId: z.string().exactOptional(),
  cluster: z.string().exactOptional(),
  gateway: z.string().exactOptional(),
  note: z.string().exactOptional(),
});

const entry = z.strictObject({
  cidr,
  action: z.enum(entryActions),
  because: z.string(),
  owner: z.enum(['postern', 'foreign']),
  provenance: z.array(provenance),
  absentSinceMs: atMs.exactOptional(),
  closesAtMs: atMs.exactOptional(),
});

const usage = z.strictObject({
  used: natural,
  limit: natural,
  unit: z.enum(['entries', 'characters', 'bytes']),
});

const step = z.strictObject({
  kind: z.enum(['add', 'remove']),
  from: z.array(cidr),
  to: z.array(cidr),
  adds: z.array(cidr),
  removes: z.array(cidr),
  usage,
});

const guard = z.strictObject({
  guard: z.string(),
  blocks: z.enum(['removals', 'write']),
  message: z.string(),
  remedy: z.string(),
});

const finding = z.strictObject({
  id: z.string(),
  severity: z.enum(severities),
  message: z.string(),
  remedy: z.string().exactOptional(),
});

const feed = z.strictObject({
  feed: feedId,
  atMs,
  complete: z.boolean(),
  addresses: natural,
  faults: z.array(z.string()),
});

const gate = z.strictObject({
  id: z.string(),
  kind: z.enum(gateKinds),
  name: z.string(),
  lets: z.enum(lets),
});
const usages = z.strictObject({ now: usage, after: usage });

/** Typed as `Plan`, so that a field added to the one is missed in the other by the compiler. */
export const planSchema = z.strictObject({
  version: z.literal(1),
  gate,
  policy: z.enum(policies),
  atMs,
  feeds: z.array(feed),
  entries: z.array(entry),
  adopts: z.array(cidr),
  steps: z.array(step),
  guards: z.array(guard),
  findings: z.array(finding),
  usage: usages,
  missing: z.array(cidr),
  closing: z.array(cidr),
  checksum: z.string(),
}) satisfies z.ZodType<Plan>;

/** Every key that a plan may have, in the order in which they are written. */
export const planKeys: readonly string[] = [
  ...new Set(
    [planSchema, gate, feed, entry, provenance, step, guard, finding, usages, usage].flatMap(({ shape }) =>
      Object.keys(shape),
    ),
  ),
];

// The other direction: every key of a plan is in the schema too.
type SchemaPlan = z.output<typeof planSchema>;
type Missed<Full, Part> = Full extends readonly (infer F)[]
  ? Part extends readonly (infer P)[]
    ? Missed<F, P>
    : never
  : Full extends string | number | boolean
    ? never
    :
        | Exclude<keyof Full, keyof Part>
        | { [K in keyof Full & keyof Part]: Missed<Full[K], Part[K]> }[keyof Full & keyof Part];
const _nothingIsMissed: [Missed<Required<Plan>, SchemaPlan>] extends [never]
  ? true
  : Missed<Plan, SchemaPlan> = true;
void _nothingIsMissed;
