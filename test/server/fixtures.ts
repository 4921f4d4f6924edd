/** A server over a daemon whose state a test sets. */
import { onTestFinished } from 'vitest';
import type { ServerConfig } from '../../src/config/config.ts';
import type { Journal } from '../../src/journal/journal.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { Secret } from '../../src/secret.ts';
import { hashToken, makeToken } from '../../src/server/access.ts';
import { Metrics } from '../../src/server/metrics.ts';
import { createServer } from '../../src/server/server.ts';
import type { Hint, WatchEvent, WatchListener } from '../../src/watch/events.ts';
import type { WatchStatus } from '../../src/watch/status.ts';
import type { Approving, Watch } from '../../src/watch/watch.ts';
import { nowMs } from '../notify/fixtures.ts';
import { watchStatus } from '../notify/status.ts';

export const webhookSecret = 'a-secret-of-the-webhook';
export const tokens = { all: makeToken().token, syncOnly: makeToken().token, readOnly: makeToken().token };

export const serverConfig: ServerConfig = {
  host: '127.0.0.1',
  port: 0,
  hosts: ['postern.example.com'],
  anonymousRead: true,
  tokens: [
    { name: 'all', hash: hashToken(tokens.all), may: ['read', 'sync', 'approve'] },
    { name: 'sync-only', hash: hashToken(tokens.syncOnly), may: ['sync'] },
    { name: 'read-only', hash: hashToken(tokens.readOnly), may: ['read'] },
  ],
  atlasWebhookSecret: undefined,
};

export async function open(more: Partial<ServerConfig> = {}) {
  const hints: Hint[] = [];
  const synced: (string | undefined)[] = [];
  const approvals: { gate: string; approving: Approving }[] = [];
  const faults: unknown[] = [];
  const listeners = new Set<WatchListener>();
  const world = {
    status: watchStatus() as WatchStatus,
    plan: undefined as Plan | undefined,
    journal: undefined as Journal | undefined,
    approve: async (_gate: string) => {},
    nowMs,
  };
  const watch = {
    status: () => world.status,
    planOf: async () => world.plan,
    get journal() {
      return world.journal;
    },
    hint: (hint: Hint) => hints.push(hint),
    syncNow: (gate?: string) => synced.push(gate),
    approve: async (gate: string, approving: Approving) => {
      await world.approve(gate);
      approvals.push({ gate, approving });
    },
    subscribe: (listener: WatchListener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as Watch;
  const metrics = new Metrics({
    status: () => world.status,
    openAlerts: () => ({ error: 1, warning: 0, info: 0 }),
    channels: () => ['oncall'],
    withProcess: false,
  });
  const app = await createServer({
    config: { ...serverConfig, ...more },
    watch,
    metrics,
    openAlerts: () => [],
    atlasWebhookSecret: new Secret(webhookSecret, 'env:WEBHOOK'),
    clock: { now: () => world.nowMs, sleep: async () => {} },
    version: '1.2.3',
    onFault: error => faults.push(error),
  });
  onTestFinished(() => app.close());
  const emit = (event: object) => {
    for (const listener of listeners) listener(event as WatchEvent);
  };
  return { app, watch, world, hints, synced, approvals, faults, metrics, listeners, emit };
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
