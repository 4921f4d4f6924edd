/** Spans by way of OpenTelemetry's library, in this process. */
import { expect, test, vi } from 'vitest';
import { Secret } from '../../src/secret.ts';
import { tracesAsked } from '../../src/telemetry/asked.ts';
import { startTracing } from '../../src/telemetry/otlp.ts';
import { currentSpan, inSpan, withTracer } from '../../src/telemetry/span.ts';
import { openCollector } from './collector.ts';

/** Does the work with a tracer that sends to the endpoint, and gives what it said. */
async function traced(endpoint: string, work: () => Promise<unknown>): Promise<readonly string[]> {
  const said: string[] = [];
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', endpoint);
  try {
    const onFault = (message: string) => void said.push(message);
    const tracing = startTracing({ env: process.env, version: '1.2.3', onFault });
    if (tracing) await withTracer(tracing.tracer, work);
    await tracing?.close();
    return said;
  } finally {
    vi.unstubAllEnvs();
  }
}

test.each([
  [{}, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }, true],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces' }, true],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', OTEL_SDK_DISABLED: 'true' }, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', OTEL_TRACES_EXPORTER: 'none' }, false],
])('%j asks for traces: %s', (env, asked) => {
  expect(tracesAsked(env)).toBe(asked);
});

test('spans stand below the one around them, and side by side where the work does', async () => {
  const { url, named } = await openCollector();
  await traced(url, () =>
    inSpan('run', { 'postern.gate': 'a' }, async () => {
      await Promise.all(
        ['x', 'y'].map(feed => inSpan('feed.read', { feed }, () => inSpan('GET', {}, () => feed))),
      );
      currentSpan().set({ late: true, many: ['a', 'b'], none: undefined });
    }),
  );
  const [run] = named('run');
  expect(run?.attributes).toEqual({ 'postern.gate': 'a', late: true, many: ['a', 'b'] });
  expect(run?.resource['service.version']).toBe('1.2.3');
  const feeds = named('feed.read');
  expect(feeds.map(({ parentSpanId }) => parentSpanId)).toEqual([run?.spanId, run?.spanId]);
  expect(
    named('GET')
      .map(({ parentSpanId }) => parentSpanId)
      .sort(),
  ).toEqual(feeds.map(({ spanId }) => spanId).sort());
});

test('what is thrown is thrown on, and its span has failed, without its secrets', async () => {
  const { url, named, bodies } = await openCollector();
  const secret = new Secret('s3cr3t-of-the-vault', 'test');
  await traced(url, async () => {
    const failing = inSpan('write', { url: `https://a/${secret.reveal()}` }, () => {
      throw new RangeError(`the vault said ${secret.reveal()}`);
    });
    await expect(failing).rejects.toThrow(RangeError);
  });
  expect(named('write')).toMatchObject([{ status: { code: 2 }, attributes: { 'error.type': 'RangeError' } }]);
  expect(bodies.join()).not.toContain('s3cr3t');
});

test('a collector that refuses is told of once, and hurts nothing', async () => {
  const { url } = await openCollector('refuse');
  const work = vi.fn(async () => {});
  const said = await traced(url, async () => {
    await inSpan('run', {}, work);
    await inSpan('run', {}, work);
  });
  expect(work).toHaveBeenCalledTimes(2);
  expect(said).toEqual([expect.stringContaining('could not be sent')]);
});

test('where nobody listens it is over soon', async () => {
  const beganAtMs = Date.now();
  const said = await traced('http://127.0.0.1:9', () => inSpan('run', {}, () => {}));
  expect(said).toHaveLength(1);
  expect(Date.now() - beganAtMs).toBeLessThan(5_000);
});

test.each([
  'collector:4318',
  'not a url',
])('%s is no endpoint: it is said, and there is no tracer', async url => {
  expect(await traced(url, async () => {})).toEqual([expect.stringContaining('is no URL')]);
});

test('without a tracer the work is done, and nothing else', async () => {
  const done = inSpan('run', {}, span => {
    span.set({ a: 1 });
    return 7;
  });
  expect(await done).toBe(7);
  currentSpan().fail('never');
});
