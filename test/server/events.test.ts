import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { makePlan } from '../../src/plan/make-plan.ts';
import { rememberSecret } from '../../src/secret.ts';
import { EventStream } from '../../src/server/events.ts';
import type { WatchEvent } from '../../src/watch/events.ts';
import { cidrs, nowMs, observation, planInput, reading } from '../plan/fixtures.ts';

const plan = makePlan(
  planInput({ feeds: [reading(observation('control-plane', cidrs('52.1.2.3', '52.1.2.4')))] }),
);
const happened = (sequence: number, event: object = { kind: 'cycle-ended', healthy: true, because: [] }) =>
  ({ sequence, atMs: nowMs, severity: 'info', ...event }) as WatchEvent;

/** What a client has read when `count` events are there. */
async function read(stream: EventStream, count: number, lastEventId?: string): Promise<string> {
  const server: Server = createServer((_, response) => stream.serve(response, lastEventId)).listen(0);
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const { body } = await fetch(`http://127.0.0.1:${port}`);
  let text = '';
  for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.split('\nevent: ').length > count) break;
  }
  stream.close();
  return text;
}

test('who names the last event it had gets those after it, and no more are kept than 500', async () => {
  const stream = new EventStream();
  for (let sequence = 1; sequence <= 700; sequence++) stream.push(happened(sequence));
  const late = await read(stream, 2, '698');
  expect(late.match(/^id: \d+$/gm)).toEqual(['id: 699', 'id: 700']);
  const all = await read(stream, 500, '0');
  expect(all.match(/^id: \d+$/gm)).toHaveLength(500);
  expect(all).toContain('\nid: 201\n');
});

test('who names an event that is yet to come had it from before a restart, and gets all that is kept', async () => {
  const stream = new EventStream();
  for (let sequence = 1; sequence <= 3; sequence++) stream.push(happened(sequence));
  const text = await read(stream, 3, '700');
  expect(text.match(/^id: \d+$/gm)).toEqual(['id: 1', 'id: 2', 'id: 3']);
});

test('a secret that looks otherwise once it is quoted is not told', async () => {
  const secret = 'pass"word\\with\nall-of-it';
  rememberSecret(secret);
  const stream = new EventStream();
  stream.push(happened(1, { kind: 'ping-failed', because: `The answer was: ${secret}.` }));
  const text = await read(stream, 1, '0');
  expect(JSON.parse(text.match(/^data: (.*)$/m)![1]!).because).toBe('The answer was: [redacted].');
});

test('a plan is told by its checksum: whole, a few of them would be more than a client may be behind', async () => {
  const stream = new EventStream();
  stream.push(happened(1, { kind: 'run-ended', gate: 'production', plan }));
  stream.push(happened(2, { kind: 'run-step', gate: 'production', step: { kind: 'planned', plan } }));
  const text = await read(stream, 2, '0');
  expect(text).not.toContain('52.1.2.3');
  const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!));
  expect(events[0].plan).toEqual({ checksum: plan.checksum });
  expect(events[1].step).toEqual({ kind: 'planned', plan: { checksum: plan.checksum } });
});
