/**
 * What every kind of gate must do, over real HTTP against the lab and through the vendor's own SDK. A kind
 * brings a subject: its gate, its lab, and what only the lab knows, such as the list as the cloud holds it.
 */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Cidr } from '../../src/address/cidr.ts';
import {
  type Gate,
  GateConflictError,
  GateError,
  type GateState,
  GateUnverifiedError,
} from '../../src/gates/gate.ts';
import type { FaultAct, Faults, LabRequest } from '../../src/lab/index.ts';
import { redactSecrets } from '../../src/secret.ts';
import { cidrs } from '../plan/fixtures.ts';

export interface GateSubject {
  /** A gate on its real transport and SDK; the list it opens on holds at least one entry of someone else. */
  openGate(mode?: 'read-only' | 'read-write'): Promise<Gate>;
  readonly faults: Faults;
  /** The lab's log. */
  readonly requests: readonly LabRequest[];
  /** Whose calls are broken: the service that holds the list, not the one that gives tokens. */
  readonly service: LabRequest['service'];
  /** Whether a request, as the lab logged it, could change something. */
  isWrite(request: LabRequest): boolean;
  /** The list as the cloud holds it, whatever a read would show, in canonical form. */
  entries(): readonly Cidr[];
  /** The list as the cloud holds it, each entry in its owner's spelling. */
  texts(): readonly string[];
  /** All that the gate must not touch, in a form in which equal things are equal; without times of change. */
  others(): unknown;
  /** Someone else changes the list, entries in any spelling that the cloud takes. */
  someoneAdds(text: string): void;
  someoneRemoves(text: string): void;
  /**
   * Spellings that are not canonical, and that someone else's entries can have in this cloud; `kept` is what
   * the cloud makes of them when they are sent back as they are.
   */
  readonly oddSpellings: readonly { readonly text: string; readonly cidr: string; readonly kept: string }[];
  /** Has the next reads show what was there before the newest change; absent where a read is never stale. */
  staleReads?(count: number): void;
  /** Whether the cloud refuses a write over a change that came after the gate's last read. */
  readonly comparesAndSets: boolean;
  /** What must be in no error: the credentials, and tokens. */
  readonly secrets: readonly (string | RegExp)[];
}

const [a, b, c] = cidrs('3.92.113.229', '3.208.110.31', '44.206.200.0/24') as [Cidr, Cidr, Cidr];
const someones = '52.7.232.44/32' as Cidr;

const html = { 'content-type': 'text/html' };
const faults: Readonly<Record<string, FaultAct>> = {
  'a 429': { kind: 'answer', status: 429, headers: { 'retry-after': '1' }, body: '{}' },
  'a 500': { kind: 'answer', status: 500, body: '{}' },
  'a 503': { kind: 'answer', status: 503, headers: html, body: '<html>unavailable</html>' },
  'a 403': { kind: 'answer', status: 403, body: '{}' },
  'a connection cut before': { kind: 'cut-before' },
  'a connection cut after': { kind: 'cut-after' },
  'a truncated answer': { kind: 'truncate' },
  'an answer that is no data': { kind: 'answer', status: 200, headers: html, body: '<html>soon</html>' },
  'an empty answer': { kind: 'answer', status: 200, body: '' },
  'an answer of another shape': { kind: 'answer-after', status: 200, body: '{"hello":"world"}' },
  'a 504 of a gateway, after it took effect': {
    kind: 'answer-after',
    status: 504,
    headers: html,
    body: '<html>timeout</html>',
  },
  'a page of a proxy, after it took effect': {
    kind: 'answer-after',
    status: 200,
    headers: html,
    body: '<html>soon</html>',
  },
  'an empty answer, after it took effect': { kind: 'answer-after', status: 200, body: '' },
};

export function gateSpecification(name: string, openSubject: () => Promise<GateSubject>): void {
  describe(`every gate: ${name}`, () => {
    test('reads every entry, in canonical form, and the same each time', async () => {
      const subject = await openSubject();
      const gate = await subject.openGate();
      for (const { text } of subject.oddSpellings) subject.someoneAdds(text);
      const state = await gate.read();
      expect(state.lets).toBe('listed');
      expect(sorted(state.entries)).toEqual(sorted(subject.entries()));
      expect(state.entries).toEqual(expect.arrayContaining(subject.oddSpellings.map(({ cidr }) => cidr)));
      expect(new Set(state.entries).size).toBe(state.entries.length);
      expect((await gate.read()).revision).toBe(state.revision);
      expect(subject.requests.filter(subject.isWrite)).toEqual([]);
    });

    test('adds and removes, and what is written compares equal when it is read back', async () => {
      const subject = await openSubject();
      const gate = await subject.openGate();
      const others = subject.others();
      const texts = subject.texts();
      const before = await gate.read();
      const added = await gate.write([...before.entries, a, c, b], before.revision);
      expect(sorted(subject.entries())).toEqual(sorted([...before.entries, a, b, c]));
      expect(sorted(added.entries)).toEqual(sorted([...before.entries, a, b, c]));
      expect(subject.texts()).toEqual(expect.arrayContaining([...texts]));

      const seen = await gate.read();
      expect(seen.revision).toBe(added.revision);
      expect(seen.revision).not.toBe(before.revision);
      const removed = await gate.write([...before.entries, b], added.revision);
      expect(sorted(removed.entries)).toEqual(sorted([...before.entries, b]));
      expect(sorted(subject.entries())).toEqual(sorted([...before.entries, b]));
      expect(subject.others()).toEqual(others);
      expect(gate.limits.measure(removed.entries).used).toBeLessThan(gate.limits.measure(added.entries).used);
    });

    test('entries that stay are kept as their owner wrote them', async () => {
      const subject = await openSubject();
      const gate = await subject.openGate();
      // Postern would never write so broad a block, and leaves one that is there alone.
      subject.someoneAdds('8.0.0.0/8');
      const texts = [...subject.texts(), ...subject.oddSpellings.map(({ kept }) => kept)];
      for (const { text } of subject.oddSpellings) subject.someoneAdds(text);
      const state = await gate.read();
      await gate.write([...state.entries, a], state.revision);
      expect(subject.texts()).toEqual(expect.arrayContaining(texts));
    });

    test('the order in which a list is given does not matter', async () => {
      const subject = await openSubject();
      const gate = await subject.openGate();
      const state = await gate.read();
      const after = await gate.write([c, ...state.entries.toReversed(), a], state.revision);
      expect(sorted(after.entries)).toEqual(sorted([...state.entries, a, c]));
    });

    test.each<[string, (subject: GateSubject) => void]>([
      ['added an entry', subject => subject.someoneAdds(someones)],
      ['took one out', subject => subject.someoneRemoves(subject.texts()[0]!)],
    ])('a conflict is no write: someone %s since the read', async (_, meddle) => {
      const subject = await openSubject();
      const gate = await subject.openGate();
      const state = await gate.read();
      meddle(subject);
      const [texts, others] = [subject.texts(), subject.others()];
      const error = await gate.write([...state.entries, a], state.revision).catch(error => error);
      expect(error).toBeInstanceOf(GateConflictError);
      expect([subject.texts(), subject.others()]).toEqual([texts, others]);
      expect(subject.requests.filter(subject.isWrite)).toEqual([]);
      // Read again, it goes.
      const now = await gate.read();
      await gate.write([...now.entries, a], now.revision);
      expect(sorted(subject.entries())).toEqual(sorted([...now.entries, a]));
    });

    test('a change at any moment of a write: no answer claims what is not so', async () => {
      const calls = await callsOfWrite(await openSubject());
      for (const call of calls.keys()) {
        const subject = await openSubject();
        const attempt = await beginWrite(subject);
        subject.faults.add({
          on: subject.service,
          after: call,
          times: 1,
          act: { kind: 'meanwhile', happens: () => subject.someoneAdds(someones) },
        });
        const result = await attempt.write();
        subject.faults.clear();
        expect(subject.others(), `call ${call + 1}`).toEqual(attempt.others);
        if (result instanceof GateConflictError) {
          expect(sorted(subject.entries())).toEqual(sorted([...attempt.before, someones]));
        } else if (result instanceof GateUnverifiedError) {
          if (result.state) expect(sorted(result.state.entries)).toEqual(sorted(subject.entries()));
        } else if (result instanceof Error) {
          expect.fail(`call ${call + 1}: ${result.name} says that nothing was written: ${result.message}`);
        } else {
          expect(subject.entries(), `call ${call + 1}`).toEqual(expect.arrayContaining([...attempt.next]));
          expect(sorted(result.entries), `call ${call + 1}`).toEqual(sorted(attempt.next));
        }
        const isLastCall = call === calls.length - 1;
        if (subject.comparesAndSets || isLastCall) expect(subject.entries()).toContain(someones);
      }
    });

    test.each([
      429, 503,
    ])('a change while a write that was turned away (%d) waits is seen before it is sent again', async status => {
      const calls = await callsOfWrite(await openSubject());
      const subject = await openSubject();
      const attempt = await beginWrite(subject);
      const hit = { on: subject.service, after: calls.findIndex(subject.isWrite), times: 1 };
      subject.faults.add({
        ...hit,
        act: { kind: 'answer', status, headers: { 'retry-after': '7' }, body: '{}' },
      });
      subject.faults.add({
        ...hit,
        act: { kind: 'meanwhile', happens: () => subject.someoneAdds(someones) },
      });
      const result = await attempt.write();
      expect(subject.faults.hits).toHaveLength(1);
      expect(subject.entries()).toContain(someones);
      if (result instanceof GateConflictError || (result instanceof Error && result.name === 'GateError')) {
        expect(sorted(subject.entries())).toEqual(sorted([...attempt.before, someones]));
      }
    });

    test('a list beyond the limit is refused with figures, and nothing is sent', async () => {
      const subject = await openSubject();
      const gate = await subject.openGate();
      const state = await gate.read();
      const list = [...state.entries];
      for (let i = 0; gate.limits.measure(list).used <= gate.limits.measure(list).limit; i++) {
        list.push(`52.${i >> 7}.${(i & 127) * 2}.1/32` as Cidr);
      }
      const { limit } = gate.limits.measure(list);
      const error = await refusedWrite(subject, gate, list, state);
      expect(error.message.replaceAll(/(?<=\d),(?=\d{3})/g, '')).toMatch(new RegExp(`\\b${limit}\\b`));
      expect(error.message.match(/\d[\d,]*/g)!.length).toBeGreaterThan(1);
    });

    test.each([
      ['empty', []],
      ['everyone', ['0.0.0.0/0']],
      ['everyone of IPv6', ['::/0']],
      ['half of everyone', ['0.0.0.0/1']],
      ['broader than /16', ['52.0.0.0/15']],
      ['broader than /32 of IPv6', ['2600::/31']],
      ['private', ['10.1.2.3/32']],
      ['shared', ['100.64.0.0/24']],
      ['loopback', ['127.0.0.1/32']],
      ['link-local', ['169.254.169.254/32']],
      ['multicast', ['224.0.0.1/32']],
      ['documentation', ['192.0.2.0/24']],
      ['private of IPv6', ['fd00::1/128']],
      ['IPv4 in IPv6', ['::ffff:52.1.2.3/128']],
    ])('never written, whoever asks: %s', async (_, odd) => {
      const subject = await openSubject();
      const gate = await subject.openGate();
      const state = await gate.read();
      const next = odd.length === 0 ? [] : [...state.entries, a, ...(odd as Cidr[])];
      await refusedWrite(subject, gate, next, state);
    });

    test('takes addresses of the families that it says it holds, and no other', async () => {
      const subject = await openSubject();
      const gate = await subject.openGate();
      const state = await gate.read();
      const next = [...state.entries, '2600:1f18::/36' as Cidr];
      if (!gate.limits.families.includes(6)) {
        await refusedWrite(subject, gate, next, state);
        return;
      }
      await gate.write(next, state.revision);
      expect(sorted(subject.entries())).toEqual(sorted(next));
    });

    test('in a dry run nothing is sent that could write, and reading works', async () => {
      const subject = await openSubject();
      const gate = await subject.openGate('read-only');
      const state = await gate.read();
      expect(sorted(state.entries)).toEqual(sorted(subject.entries()));
      const error = await refusedWrite(subject, gate, [...state.entries, a], state);
      expect(error.message).toMatch(/dry run/);
      await gate.diagnose();
      expect(subject.requests.filter(subject.isWrite)).toEqual([]);
    });

    test('diagnosing sends nothing that could write, and does not throw', async () => {
      const subject = await openSubject();
      const gate = await subject.openGate();
      const sound = await gate.diagnose();
      expect(sound.filter(({ severity }) => severity === 'error')).toEqual([]);
      for (const act of Object.values(faults)) {
        const remove = subject.faults.add({ on: subject.service, act });
        const findings = await gate.diagnose();
        remove();
        expectNoSecret(subject, findings);
      }
      expect(subject.requests.filter(subject.isWrite)).toEqual([]);
    });

    describe('faults at each call of a write', () => {
      for (const [title, act] of Object.entries(faults)) {
        for (const times of [1, undefined]) {
          test(`${title}, ${times === 1 ? 'once' : 'from then on'}`, async () => {
            const calls = await callsOfWrite(await openSubject());
            for (const call of calls.keys()) {
              const subject = await openSubject();
              const attempt = await beginWrite(subject);
              subject.faults.add({
                on: subject.service,
                after: call,
                act,
                ...(times !== undefined && { times }),
              });
              const result = await attempt.write();
              expect(subject.faults.hits.length, `call ${call + 1} was not hit`).toBeGreaterThan(0);
              subject.faults.clear();
              expectTruth(subject, attempt, result, `call ${call + 1}`);
              await expectConvergence(subject, attempt);
            }
          });
        }
      }
    });

    test('faults at a read: an error that says so, and no list', async () => {
      const subject = await openSubject();
      const gate = await subject.openGate();
      await gate.read();
      for (const [title, act] of Object.entries(faults)) {
        // Cut after or before is one thing to a reader.
        const remove = subject.faults.add({ on: subject.service, act });
        const error = await gate.read().then(
          state => expect.fail(`${title}: ${state.entries.length} entries were read`),
          error => error,
        );
        remove();
        expect(error, title).toBeInstanceOf(GateError);
        expectNoSecret(subject, error);
      }
      expect(sorted((await gate.read()).entries)).toEqual(sorted(subject.entries()));
    });

    describe('reads that are stale', () => {
      test.each([1, 2, 3])('%d after a write: it waits for what it wrote', async count => {
        const subject = await openSubject();
        const attempt = await beginWrite(subject);
        if (!staleAfterWrite(subject, count)) return;
        expect(await attempt.write()).toMatchObject({ entries: expect.arrayContaining([...attempt.next]) });
        expect(sorted(subject.entries())).toEqual(sorted(attempt.next));
      });

      test('for longer than it waits: no word that the old list is there', async () => {
        const subject = await openSubject();
        const attempt = await beginWrite(subject);
        if (!staleAfterWrite(subject, 1_000)) return;
        const result = await attempt.write();
        expect(result).toBeInstanceOf(GateUnverifiedError);
        expectTruth(subject, attempt, result, 'stale');
        subject.staleReads?.(0);
        await expectConvergence(subject, attempt);
      });

      test('before a write, of a list that someone has added to: nothing is lost', async () => {
        const subject = await openSubject();
        if (!subject.staleReads) return;
        const gate = await subject.openGate();
        await gate.read();
        subject.someoneAdds(someones);
        subject.staleReads(1);
        const stale = await gate.read();
        expect(stale.entries).not.toContain(someones);
        const error = await gate.write([...stale.entries, a], stale.revision).catch(error => error);
        expect(error).toBeInstanceOf(GateConflictError);
        expect(subject.entries()).toContain(someones);
      });
    });
  });
}

interface Attempt {
  readonly before: readonly Cidr[];
  readonly next: readonly Cidr[];
  readonly kept: readonly string[];
  readonly others: unknown;
  readonly gate: Gate;
  /** What the write gave, or threw. */
  write(): Promise<GateState | Error>;
}

/** A gate that holds two entries of ours, about to lose one of them and to get another. */
async function beginWrite(subject: GateSubject): Promise<Attempt> {
  const gate = await subject.openGate();
  const first = await gate.read();
  const foreign = subject.texts();
  const state = await gate.write([...first.entries, a, b], first.revision);
  const next = [...first.entries, a, c];
  subject.faults.hits.length = 0;
  return {
    gate,
    before: state.entries,
    next,
    kept: foreign,
    others: subject.others(),
    write: () => gate.write(next, state.revision).catch(error => error),
  };
}

/** The calls that an undisturbed write makes, in order. */
async function callsOfWrite(subject: GateSubject): Promise<readonly LabRequest[]> {
  const attempt = await beginWrite(subject);
  const already = subject.requests.length;
  expect(await attempt.write()).not.toBeInstanceOf(Error);
  const calls = subject.requests.slice(already).filter(({ service }) => service === subject.service);
  expect(calls.filter(subject.isWrite)).toHaveLength(1);
  return calls;
}

/** Has reads be stale from the moment of the write; false where they never are. */
function staleAfterWrite(subject: GateSubject, count: number): boolean {
  const { staleReads } = subject;
  if (!staleReads) return false;
  // The write is the first call that could write, whatever is read before it.
  const waiting = new Set<() => void>();
  const remove = subject.faults.add({
    on: subject.service,
    act: {
      kind: 'meanwhile',
      happens: () => {
        const last = subject.requests.at(-1);
        if (!last || !subject.isWrite(last)) return;
        for (const stop of waiting) stop();
        staleReads.call(subject, count);
      },
    },
  });
  waiting.add(remove);
  return true;
}

/** After a fault: either list and no other, and an error that says no more than is so. */
function expectTruth(subject: GateSubject, attempt: Attempt, result: GateState | Error, where: string): void {
  const now = sorted(subject.entries());
  const [before, next] = [sorted(attempt.before), sorted(attempt.next)];
  const context = `${where}: ${result instanceof Error ? `${result.name}: ${result.message}` : 'succeeded'}`;
  expect([before, next], context).toContainEqual(now);
  expect(subject.others(), context).toEqual(attempt.others);
  expect(subject.texts(), context).toEqual(expect.arrayContaining([...attempt.kept]));
  if (!(result instanceof Error)) {
    expect(now, context).toEqual(next);
    expect(sorted(result.entries), context).toEqual(next);
    return;
  }
  expect(result, context).toBeInstanceOf(GateError);
  expectNoSecret(subject, result);
  if (result instanceof GateUnverifiedError) {
    if (result.state) expect(sorted(result.state.entries), context).toEqual(now);
  } else {
    expect(now, `${context}, which says that nothing was written`).toEqual(before);
  }
}

async function expectConvergence(subject: GateSubject, { gate, next, others }: Attempt): Promise<void> {
  const state = await gate.read();
  await gate.write(next, state.revision);
  expect(sorted(subject.entries())).toEqual(sorted(next));
  expect(subject.others()).toEqual(others);
}

/** The error of a write that must not happen; no request that could write may have come. */
async function refusedWrite(
  subject: GateSubject,
  gate: Gate,
  next: readonly Cidr[],
  { revision }: GateState,
): Promise<GateError> {
  const already = subject.requests.length;
  const [texts, others] = [subject.texts(), subject.others()];
  const error = await gate.write(next, revision).then(
    () => expect.fail('it was written'),
    error => error,
  );
  expect(error).toBeInstanceOf(GateError);
  expect(error).not.toBeInstanceOf(GateConflictError);
  expect(error).not.toBeInstanceOf(GateUnverifiedError);
  expect(subject.requests.slice(already).filter(subject.isWrite)).toEqual([]);
  expect([subject.texts(), subject.others()]).toEqual([texts, others]);
  expectNoSecret(subject, error);
  return error;
}

/** Not in the message, nor in anything that a logger would print of the error and its causes. */
function expectNoSecret(subject: GateSubject, thing: unknown): void {
  const shown = [inspect(thing, { depth: 12 }), JSON.stringify(thing), ...messagesOf(thing)].join('\n');
  for (const secret of subject.secrets) {
    // A message is printed as it is; what else an error carries goes through the redaction of every output.
    if (typeof secret === 'string') expect(messagesOf(thing).join('\n')).not.toContain(secret);
    else expect(messagesOf(thing).join('\n')).not.toMatch(secret);
    if (typeof secret === 'string') expect(redactSecrets(shown)).not.toContain(secret);
    else expect(redactSecrets(shown)).not.toMatch(secret);
  }
}

function messagesOf(thing: unknown): readonly string[] {
  const messages: string[] = [];
  for (let error = thing; error instanceof Error; error = error.cause) {
    messages.push(error.message, String((error as { remedy?: unknown }).remedy ?? ''));
  }
  return messages;
}

function sorted(entries: readonly Cidr[]): readonly Cidr[] {
  return [...new Set(entries)].sort();
}
