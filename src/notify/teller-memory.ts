/** What the journal keeps of the telling, and whether what it gives back is that. */
import { z } from 'zod';
import { severities } from '../finding.ts';
import type { Alert } from './alerts.ts';
import type { Backlog } from './notifier.ts';
import { noticeKinds } from './situation.ts';

/** What outlives a restart: without it everything that lasts would be told anew. */
export interface TellerMemory {
  readonly alerts: readonly Alert[];
  readonly backlog: Backlog;
}

const situation = z.looseObject({
  key: z.string(),
  id: z.string(),
  severity: z.enum(severities),
  message: z.string(),
  gate: z.string().optional(),
  feed: z.string().optional(),
  addresses: z.array(z.string()),
  did: z.string(),
});
const alert = z.looseObject({
  situation,
  openedAtMs: z.number(),
  lastToldAtMs: z.number(),
  clearSinceMs: z.number().nullable(),
});
const notice = z.looseObject({
  id: z.string(),
  kind: z.enum(noticeKinds),
  situation,
  atMs: z.number(),
  sinceMs: z.number(),
});
const memory = z.looseObject({
  alerts: z.array(alert),
  backlog: z.record(z.string(), z.array(notice)),
});

/** @returns undefined when it is of another shape, such as that of another version: better told anew than never */
export function memoryOf(value: unknown): TellerMemory | undefined {
  return memory.safeParse(value).success ? (value as TellerMemory) : undefined;
}
