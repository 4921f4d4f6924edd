import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConfigError } from '../../src/config/index.ts';
import { GateError } from '../../src/gates/gate.ts';
import { createLogger } from '../../src/log/logger.ts';
import { redactSecrets, Secret } from '../../src/secret.ts';
import { isLasting } from '../../src/watch/lasting.ts';
import { backOffMs, feedDelayMs, gateBackOff, jittered } from '../../src/watch/schedule.ts';
import { Slots } from '../../src/watch/slots.ts';

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('back-off is bounded, never below half of its step, and grows until its bound', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), chance, (failures, random) => {
      for (const options of Object.values(gateBackOff)) {
        const delayMs = backOffMs(failures, options, () => random);
        expect(delayMs).toBeLessThanOrEqual(options.maxMs);
        expect(delayMs).toBeGreaterThanOrEqual(Math.min(options.firstMs, options.maxMs) / 2);
        expect(backOffMs(failures + 1, options, () => random)).toBeGreaterThanOrEqual(delayMs);
      }
    }),
  );
});

test('a feed is never read much later than its interval, or two minutes after a fault; low limits stretch it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1_000, max: 3_600_000 }), fc.nat(500), fc.boolean(), chance, (...given) => {
      const [intervalMs, faultsInARow, isChanging, random] = given;
      const feed = { intervalMs, faultsInARow, isChanging };
      const delayMs = feedDelayMs({ ...feed, shareLeft: undefined }, () => random);
      expect(delayMs).toBeGreaterThan(0);
      expect(delayMs).toBeLessThanOrEqual(Math.max(intervalMs * 1.1, 120_000));
      const low = feedDelayMs({ ...feed, shareLeft: 0.01 }, () => random);
      expect(low).toBeGreaterThanOrEqual(delayMs * 0.99);
    }),
  );
  expect(jittered(1_000, () => 0)).toBe(900);
});

test.each<[string, unknown, boolean]>([
  ['a right that is lacking', new GateError('g', 'no', { code: 'Forbidden' }), true],
  ['the same in AWS', new GateError('g', 'no', { code: 'AccessDeniedException' }), true],
  ['deep below', new Error('x', { cause: new Error('y', { cause: { statusCode: 403 } }) }), true],
  ['a secret that is not there', new ConfigError('no', { remedy: 'x' }), true],
  ['a transport that says so', Object.assign(new Error('x'), { isLasting: true }), true],
  ['throttling', new GateError('g', 'slow', { code: 'TooManyRequests' }), false],
  ['a server in trouble', Object.assign(new Error('x'), { status: 503 }), false],
  ['no error at all', undefined, false],
])('lasting? %s', (_, error, expected) => expect(isLasting(error)).toBe(expected));

test('causes in a circle end', () => {
  const error = new Error('x') as Error & { cause: unknown };
  error.cause = error;
  expect(isLasting(error)).toBe(false);
});

test('slots: never more than the limit at once, in order, and a slot is given back once', async () => {
  const slots = new Slots(2);
  const order: number[] = [];
  const givers = await Promise.all([slots.take(), slots.take()]);
  const third = slots.take().then(() => order.push(3));
  const fourth = slots.take().then(() => order.push(4));
  expect(slots.tryTake()).toBeUndefined();
  givers[0]!();
  givers[0]!();
  await third;
  expect(order).toEqual([3]);
  slots.limit = 3;
  await fourth;
  expect(order).toEqual([3, 4]);
});

test('a log line is JSON with a level and a time, and holds no secret, quoted or not', () => {
  const lines: string[] = [];
  const secret = new Secret('se"cret-value-of-a-log', 'env:X');
  const destination = { write: (text: string) => lines.push(text) };
  const logger = createLogger({ level: 'info', destination, now: () => 0 });
  logger.log('debug', {}, 'not told');
  logger.log('warn', { deep: { runs: [secret.reveal()] } }, `with ${secret.reveal()}`);
  expect(lines).toHaveLength(1);
  const line = JSON.parse(lines[0]!);
  expect(line).toMatchObject({
    level: 'warn',
    time: '1970-01-01T00:00:00.000Z',
    deep: { runs: ['[redacted]'] },
  });
  expect(line.msg).toBe(redactSecrets(`with ${secret.reveal()}`));
  expect(lines[0]).not.toContain('cret-value');
});
