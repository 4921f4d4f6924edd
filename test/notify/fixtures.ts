import type { Notice, Situation } from '../../src/notify/situation.ts';

export const nowMs = Date.UTC(2026, 10, 24, 3, 0);

export function situation(more: Partial<Situation> = {}): Situation {
  return {
    key: 'locked-out/production',
    id: 'locked-out',
    severity: 'error',
    message: '2 addresses that Atlas uses are not let into gate production.',
    gate: 'production',
    addresses: ['52.1.2.3/32', '52.1.2.4/32'],
    did: 'It lets them in as soon as the vault takes the write.',
    remedy: 'See `postern plan`.',
    ...more,
  };
}

export function notice(more: Partial<Notice> = {}): Notice {
  const rest = { kind: 'opened', situation: situation(), atMs: nowMs, sinceMs: nowMs, ...more } as const;
  return { id: `${rest.situation.key}/${rest.kind}/${rest.atMs}`, ...rest };
}
