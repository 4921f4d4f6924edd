import { expect, test } from 'vitest';
import { DeliveryTroubles } from '../../../src/cli/watch/deliveries.ts';
import type { Delivery } from '../../../src/notify/notifier.ts';
import { Secret } from '../../../src/secret.ts';
import { notice } from '../../notify/fixtures.ts';

const delivery = (outcome: Delivery['outcome'], channel = 'oncall', because?: string): Delivery => ({
  channel,
  notice: notice(),
  outcome,
  ...(because !== undefined && { because }),
});

test('the first failure of a channel is said, until it has taken something; what is given up each time', () => {
  const troubles = new DeliveryTroubles();
  const said = (['failed', 'failed', 'given-up', 'given-up', 'failed', 'delivered', 'failed'] as const).map(
    outcome => troubles.hear(delivery(outcome))?.level,
  );
  expect(said).toEqual(['warn', undefined, 'error', 'error', undefined, undefined, 'warn']);
  expect(troubles.hear(delivery('failed', 'team'))?.level).toBe('warn');
});

test('it says which channel, which message and why, and no secret', () => {
  const url = new Secret('https://hooks.example.com/services/T0/B0', 'env:URL').reveal();
  expect(new DeliveryTroubles().hear(delivery('failed', 'oncall', `No answer from ${url}.`))).toEqual({
    level: 'warn',
    message:
      'channel oncall took no message (opened locked-out/production); it is tried again: No answer from [redacted].',
    fields: {
      event: 'message-failed',
      channel: 'oncall',
      kind: 'opened',
      situation: 'locked-out/production',
      because: 'No answer from [redacted].',
    },
  });
  expect(new DeliveryTroubles().hear(delivery('given-up', 'oncall', 'it is a day old'))).toMatchObject({
    level: 'error',
    message: 'a message to channel oncall was given up (opened locked-out/production): it is a day old',
    fields: { event: 'message-given-up' },
  });
});
