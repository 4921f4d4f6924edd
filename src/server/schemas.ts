/**
 * What the API answers, as schemas: OpenAPI is made of them, and the compiler holds them to the daemon's own
 * types. Times are epoch milliseconds.
 */
import { z } from 'zod';
import { severities } from '../finding.ts';
import { gateKinds, lets } from '../gates/gate.ts';
import { writeKinds, writeOutcomes } from '../journal/journal.ts';
import { policies } from '../plan/plan.ts';
import { coverages } from '../reconcile/coverage.ts';
import { runStatuses } from '../reconcile/run.ts';
import { watchStates } from '../watch/status.ts';

const atMs = z.int();
const count = z.int().min(0);
const texts = z.array(z.string());
const absent = <T extends z.ZodType>(schema: T) => schema.optional();

export const findingSchema = z.object({
  id: z.string(),
  severity: z.enum(severities),
  message: z.string(),
  remedy: absent(z.string()),
});

const guard = z.object({
  guard: z.string(),
  blocks: z.enum(['removals', 'write']),
  message: z.string(),
  remedy: z.string(),
});

const run = z.object({
  runId: z.string(),
  gate: z.string(),
  gateId: absent(z.string()),
  status: z.enum(runStatuses),
  message: z.string(),
  remedy: absent(z.string()),
  writes: z.array(z.object({ kind: z.enum(writeKinds), adds: texts, removes: texts })),
  coverage: absent(z.enum(coverages)),
  missing: texts,
  startedAtMs: atMs,
  endedAtMs: atMs,
});

export const feedSchema = z.object({
  feed: z.string(),
  addresses: absent(count),
  complete: absent(z.boolean()),
  faults: texts,
  lastReadAtMs: absent(atMs),
  lastCompleteAtMs: absent(atMs),
  nextAtMs: atMs,
  consecutiveFaults: count,
  isChanging: z.boolean(),
});

export const gateSchema = z.object({
  name: z.string(),
  kind: z.enum(gateKinds),
  id: absent(z.string()),
  policy: z.enum(policies),
  projects: texts,
  isRunning: z.boolean(),
  coverage: absent(z.enum(coverages)),
  lets: absent(z.enum(lets)),
  missing: texts.meta({ description: 'Addresses that Atlas uses and the gate does not let in.' }),
  plannedAtMs: absent(atMs),
  planChecksum: absent(z.string()),
  pendingRemovals: z.array(
    z.object({
      cidr: z.string(),
      absentSinceMs: absent(atMs),
      closesAtMs: absent(atMs),
      because: z.string(),
    }),
  ),
  closing: texts,
  guards: z.array(guard),
  findings: z.array(findingSchema),
  usage: absent(
    z.object({ used: z.number(), limit: z.number(), unit: z.enum(['entries', 'characters', 'bytes']) }),
  ),
  lastRun: absent(run),
  lastGoodRunAtMs: absent(atMs),
  lastWrite: absent(z.object({ atMs, kind: z.string(), addresses: count })),
  nextAtMs: atMs,
  consecutiveFailures: count,
  backOff: absent(z.object({ untilMs: atMs, isLasting: z.boolean(), because: z.string() })),
  unseenSinceMs: absent(atMs),
  soakUntilMs: absent(atMs),
});

export const statusSchema = z.object({
  state: z.enum(watchStates),
  nowMs: atMs,
  startedAtMs: atMs,
  config: z.object({ path: absent(z.string()), loadedAtMs: atMs, fault: absent(z.string()) }),
  journal: z.object({
    location: z.string(),
    available: z.boolean(),
    because: absent(z.string()),
    sinceMs: atMs,
  }),
  feeds: z.array(feedSchema),
  gates: z.array(gateSchema),
  totals: z.record(z.string(), count),
  rateLimits: z.array(
    z.object({ endpoint: z.string(), scope: z.string(), limit: absent(count), remaining: count, atMs }),
  ),
  lastHint: absent(z.object({ source: z.string(), atMs })),
  lastHealthyCycleAtMs: absent(atMs),
});

export const coverageSchema = z.object({ atMs, coverage: z.enum(coverages), missing: count });

export const writeSchema = z.object({
  id: z.int(),
  gateId: z.string(),
  gateName: z.string(),
  kind: z.enum(writeKinds),
  before: texts,
  target: texts,
  after: texts.nullable(),
  planChecksum: z.string(),
  by: z.string(),
  reason: z.string(),
  atMs,
  outcome: z.enum(writeOutcomes).nullable(),
  finishedAtMs: atMs.nullable(),
  error: z.string().nullable(),
});

export const observationSchema = z.object({
  id: z.string(),
  feed: z.string(),
  atMs,
  complete: z.boolean(),
  faults: z.array(z.object({ place: z.string(), message: z.string() })),
});

export const alertSchema = z.object({
  situation: z.object({
    key: z.string(),
    id: z.string(),
    severity: z.enum(severities),
    message: z.string(),
    gate: absent(z.string()),
    feed: absent(z.string()),
    addresses: texts,
    did: z.string(),
    remedy: absent(z.string()),
  }),
  openedAtMs: atMs,
  lastToldAtMs: atMs,
  clearSinceMs: atMs.nullable(),
});

export const errorSchema = z.object({
  error: z.object({ code: z.string(), message: z.string(), remedy: absent(z.string()) }),
});
