import { expect, test, vi } from 'vitest';
import type { Severity } from '../../src/finding.ts';
import { type Channel, ChannelError } from '../../src/notify/channels/channel.ts';
import { type Delivery, joined, Notifier } from '../../src/notify/notifier.ts';
import type { Notice } from '../../src/notify/situation.ts';
import { testClock } from '../transport/server.ts';
import { notice, nowMs, situation } from './fixtures.ts';

/** A channel that takes nothing while `down`, and answers nothing before `answering`. */
class TestChannel implements Channel {
  readonly kind = 'webhook';
  readonly taken: string[] = [];
  down = false;
  answering: Promise<void> | undefined;
  onSend: () => void = () => {};
  readonly name: string;
  readonly from: Severity;

  constructor(name: string, from: Severity = 'info') {
    this.name = name;
    this.from = from;
  }

  async send({ kind, situation: { key } }: Notice): Promise<void> {
    this.onSend();
    await this.answering;
    if (this.down) throw new ChannelError(this.name, 'down');
    this.taken.push(`${kind} ${key}`);
  }
}

function open(...channels: TestChannel[]) {
  const clock = testClock(nowMs);
  const deliveries: Delivery[] = [];
  const notifier = new Notifier({ channels, clock, random: () => 1, onDelivery: d => deliveries.push(d) });
  return { clock, deliveries, notifier };
}

test('each channel is told from its severity on', async () => {
  const [all, severe] = [new TestChannel('all'), new TestChannel('severe', 'error')];
  const { notifier } = open(all, severe);
  notifier.add([notice(), notice({ situation: situation({ key: 'b', severity: 'warning' }) })]);
  await notifier.flush();
  expect(all.taken).toEqual(['opened locked-out/production', 'opened b']);
  expect(severe.taken).toEqual(['opened locked-out/production']);
});

test('a channel that is down stops no other, is not hammered, and gets everything in order later', async () => {
  const [good, bad] = [new TestChannel('good'), new TestChannel('bad')];
  const { notifier, clock, deliveries } = open(good, bad);
  bad.down = true;
  let tries = 0;
  bad.onSend = () => tries++;
  notifier.add([notice(), notice({ situation: situation({ key: 'b' }) })]);
  for (let second = 0; second < 29; second++) {
    await notifier.flush();
    clock.advance(1_000);
  }
  expect(good.taken).toHaveLength(2);
  expect(tries).toBe(1);
  clock.advance(1_000);
  await notifier.flush();
  expect(tries).toBe(2);
  bad.down = false;
  clock.advance(60_000);
  await notifier.flush();
  expect(bad.taken).toEqual(['opened locked-out/production', 'opened b']);
  expect(deliveries.filter(({ channel }) => channel === 'bad').map(({ outcome }) => outcome)).toEqual([
    'failed',
    'failed',
    'delivered',
    'delivered',
  ]);
});

test('a channel that does not answer holds up no other, and gets everything once, in order', async () => {
  const [good, slow] = [new TestChannel('good'), new TestChannel('slow')];
  const { notifier, deliveries } = open(good, slow);
  const { promise, resolve } = Promise.withResolvers<void>();
  slow.answering = promise;
  const keys = ['a', 'b', 'c'];
  const flushes: Promise<void>[] = [];
  for (const key of keys) {
    notifier.add([notice({ situation: situation({ key }) })]);
    flushes.push(notifier.flush());
    await vi.waitFor(() => expect(good.taken).toContain(`opened ${key}`));
  }
  expect(slow.taken).toEqual([]);
  resolve();
  await Promise.all(flushes);
  expect(slow.taken).toEqual(keys.map(key => `opened ${key}`));
  expect(deliveries).toHaveLength(6);
});

test('what waits is put in the place of another’s: a channel goes on with what it is at, and that waits no more', async () => {
  const channel = new TestChannel('oncall');
  const { notifier } = open(channel);
  const { promise, resolve } = Promise.withResolvers<void>();
  channel.answering = promise;
  const of = (key: string) => notice({ situation: situation({ key }) });
  notifier.add([of('a'), of('b')]);
  const flushed = notifier.flush();
  await Promise.resolve();
  notifier.replace({ oncall: [of('c'), of('a')] });
  resolve();
  await flushed;
  expect(channel.taken).toEqual(['opened a', 'opened c']);
});

test('what may be sent no more waits', async () => {
  const channel = new TestChannel('oncall');
  let left = 1;
  const clock = testClock(nowMs);
  const notifier = new Notifier({ channels: [channel], clock, random: () => 1, maySend: () => left-- > 0 });
  notifier.add([notice(), notice({ situation: situation({ key: 'b' }) })]);
  await notifier.flush();
  expect(channel.taken).toEqual(['opened locked-out/production']);
  expect(notifier.backlog.oncall).toHaveLength(1);
});

test('a channel that failed while the clock was ahead is tried once it is right, and not a month later', async () => {
  const channel = new TestChannel('oncall');
  const { notifier, clock } = open(channel);
  channel.down = true;
  clock.advance(30 * 24 * 60 * 60_000);
  notifier.add([notice({ atMs: clock.now() })]);
  await notifier.flush();
  clock.advance(-30 * 24 * 60 * 60_000);
  channel.down = false;
  await notifier.flush();
  expect(channel.taken).toEqual(['opened locked-out/production']);
});

test('what waits for a channel goes to the next one of its name, at once; what waits for one that is gone is given up', async () => {
  const [oncall, team] = [new TestChannel('oncall'), new TestChannel('team')];
  const { notifier, deliveries } = open(oncall, team);
  oncall.down = team.down = true;
  notifier.add([notice()]);
  await notifier.flush();
  const [next, fresh] = [new TestChannel('oncall'), new TestChannel('fresh')];
  notifier.use([next, fresh]);
  await notifier.flush();
  expect(next.taken).toEqual(['opened locked-out/production']);
  expect(fresh.taken).toEqual([]);
  expect(deliveries.slice(2).map(({ channel, outcome }) => `${outcome} ${channel}`)).toEqual([
    'given-up team',
    'delivered oncall',
  ]);
});

test('who was never told that it began is not told that it is over', async () => {
  const channel = new TestChannel('oncall');
  const { notifier, clock } = open(channel);
  channel.down = true;
  notifier.add([notice()]);
  await notifier.flush();
  notifier.add([notice({ kind: 'resolved' })]);
  channel.down = false;
  clock.advance(60_000);
  await notifier.flush();
  expect(channel.taken).toEqual([]);
});

test('of one that came and went twice the first end is told, where its beginning was and the second was not', async () => {
  const channel = new TestChannel('oncall');
  const { notifier, clock } = open(channel);
  notifier.add([notice()]);
  await notifier.flush();
  channel.down = true;
  for (const kind of ['resolved', 'opened', 'worsened', 'resolved'] as const) {
    clock.advance(60_000);
    notifier.add([notice({ kind, atMs: clock.now() })]);
    await notifier.flush();
  }
  channel.down = false;
  clock.advance(60 * 60_000);
  await notifier.flush();
  expect(channel.taken).toEqual(['opened locked-out/production', 'resolved locked-out/production']);
});

test('an end that comes while the beginning is under way is told', async () => {
  const channel = new TestChannel('oncall');
  const { notifier } = open(channel);
  notifier.add([notice()]);
  channel.onSend = () => {
    channel.onSend = () => {};
    notifier.add([notice({ kind: 'resolved' })]);
  };
  await notifier.flush();
  expect(channel.taken).toEqual(['opened locked-out/production', 'resolved locked-out/production']);
});

test('what is a day old is given up, and said so', async () => {
  const channel = new TestChannel('oncall');
  const { notifier, clock, deliveries } = open(channel);
  notifier.add([notice()]);
  clock.advance(25 * 60 * 60_000);
  await notifier.flush();
  expect(channel.taken).toEqual([]);
  expect(deliveries.map(({ outcome }) => outcome)).toEqual(['given-up']);
});

test('a queue does not grow for ever: what is mild goes first, never what is severe, and it is said so', async () => {
  const channel = new TestChannel('oncall');
  const { notifier, deliveries } = open(channel);
  const many = (count: number, severity: Severity) =>
    Array.from({ length: count }, (_, index) =>
      notice({ kind: 'event', situation: situation({ key: `${severity} ${index}`, severity }) }),
    );
  notifier.add([notice(), ...many(300, 'info')]);
  notifier.add(many(150, 'warning'));
  notifier.add(many(199, 'error'));
  await notifier.flush();
  expect(channel.taken).toHaveLength(200);
  expect(channel.taken[0]).toBe('opened locked-out/production');
  expect(channel.taken.slice(1)).toEqual(many(199, 'error').map(each => `event ${each.situation.key}`));
  const givenUp = deliveries.filter(({ outcome }) => outcome === 'given-up');
  expect(givenUp.map(({ notice: { situation } }) => situation.key)).toEqual([
    ...many(300, 'info').map(({ situation: { key } }) => key),
    ...many(150, 'warning').map(({ situation: { key } }) => key),
  ]);
  expect(new Set(givenUp.map(({ because }) => because))).toEqual(new Set(['more than 200 wait']));
});

test('what a channel is at is not given up', async () => {
  const channel = new TestChannel('oncall');
  const { notifier, deliveries } = open(channel);
  notifier.add([notice({ situation: situation({ key: 'mild', severity: 'info' }) })]);
  channel.onSend = () => {
    channel.onSend = () => {};
    notifier.add(
      Array.from({ length: 201 }, (_, index) => notice({ situation: situation({ key: `${index}` }) })),
    );
  };
  await notifier.flush();
  expect(channel.taken.slice(0, 2)).toEqual(['opened mild', 'opened 1']);
  expect(deliveries.filter(({ outcome }) => outcome === 'given-up')).toHaveLength(1);
});

test('what is not delivered survives a restart', async () => {
  const channel = new TestChannel('oncall');
  const { notifier, clock } = open(channel);
  channel.down = true;
  notifier.add([notice()]);
  await notifier.flush();
  const backlog = JSON.parse(JSON.stringify(notifier.backlog));
  channel.down = false;
  const next = new Notifier({ channels: [channel], clock, random: () => 1 });
  next.replace(backlog);
  await next.flush();
  expect(channel.taken).toEqual(['opened locked-out/production']);
});

test('who listens to deliveries cannot stop them', async () => {
  const channel = new TestChannel('oncall');
  const notifier = new Notifier({
    channels: [channel],
    clock: testClock(nowMs),
    random: () => 1,
    onDelivery: () => {
      throw new Error('listener');
    },
  });
  notifier.add([notice()]);
  await notifier.flush();
  expect(channel.taken).toHaveLength(1);
});

test('what waits in two backlogs waits once, and a joined queue has an end too', () => {
  const many = (name: string, severity: Severity) =>
    Array.from({ length: 150 }, (_, index) =>
      notice({ id: `${name}/${index}`, situation: situation({ severity }) }),
    );
  const [one, other] = [many('one', 'warning'), many('other', 'error')];
  expect(joined({ oncall: one }, { oncall: one, chat: other.slice(0, 1) })).toEqual({
    oncall: one,
    chat: other.slice(0, 1),
  });
  const { notifier, deliveries } = open(new TestChannel('oncall'));
  notifier.replace(joined({ oncall: one }, { oncall: other }));
  expect(notifier.backlog).toEqual({ oncall: [...one.slice(100), ...other] });
  expect(deliveries).toHaveLength(100);
});
