/** Traces of real processes, sent to a real receiver. */
import { expect, test } from 'vitest';
import { follow } from '../e2e/daemon.ts';
import { openSite } from '../e2e/harness.ts';
import { openCollector, type ReceivedSpan } from './collector.ts';

const addition = ['44.206.200.18/32'];

test('apply tells what it did, in one trace, and nothing of it reaches Atlas or the cloud', async () => {
  const site = await openSite();
  const collector = await openCollector();
  site.configure({ policy: 'sync' });
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=payments',
    OTEL_SERVICE_NAME: 'our-postern',
  };
  const { code, stderr } = await site.runWith(env, 'apply', '--yes');
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).not.toMatch(/traces/i);

  const { spans, named } = collector;
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  const root = spans.find(({ parentSpanId }) => !parentSpanId)!;
  expect(root).toMatchObject({ name: 'postern apply', attributes: { 'process.exit.code': 0 } });
  expect(root.resource).toMatchObject({
    'service.name': 'our-postern',
    'service.version': expect.any(String),
  });
  const [run] = named('run');
  expect(run).toMatchObject({
    parentSpanId: root.spanId,
    attributes: {
      'postern.run_id': expect.stringMatching(/^[0-9a-f]{8}$/),
      'postern.gate': 'payments',
      'postern.gate_kind': 'azure-key-vault',
      'postern.projects': [site.project.id],
      'postern.status': 'changed',
      'postern.writes': 1,
    },
  });
  for (const name of ['feed.read', 'gate.read', 'plan', 'write']) {
    expect(named(name).length, name).toBeGreaterThan(0);
    for (const span of named(name)) expect(ancestorsOf(span, spans), name).toContain(run!.spanId);
  }
  expect(
    named('feed.read')
      .map(({ attributes }) => attributes['postern.feed'])
      .sort(),
  ).toEqual(['control-plane', `nodes:${site.project.id}`]);
  expect(named('write')[0]?.attributes).toMatchObject({
    'postern.write': 'add',
    'postern.adds': expect.any(Number),
    'postern.removes': 0,
  });
  expect(named('PATCH')).toMatchObject([
    { kind: 3, parentSpanId: named('write')[0]!.spanId, attributes: { 'http.response.status_code': 200 } },
  ]);
  expect(named('GET').map(({ attributes }) => attributes['url.path'])).toContain(
    '/api/atlas/v2/unauth/controlPlaneIPAddresses',
  );
  expect(collector.headers[0]).toMatchObject({ 'x-tenant': 'payments' });

  const sent = collector.bodies.join('\n');
  for (const secret of [site.env.LAB_ATLAS_SECRET!, site.env.LAB_AZURE_SECRET!, 'api-version', 'Bearer']) {
    expect(sent).not.toContain(secret);
  }
  for (const { headers } of site.lab.requests as readonly { headers?: object }[]) {
    for (const name of Object.keys(headers ?? {}))
      expect(name).not.toMatch(/^(traceparent|tracestate|baggage)$/i);
  }
});

test('watch tells each run under the run id of its log, and flushes when it stops', async () => {
  const site = await openSite();
  const collector = await openCollector();
  site.configure({ policy: 'sync' });
  site.setEnv({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces` });
  const daemon = follow(site, site.start('watch', '--interval', '1s', '--log-level', 'debug'));
  await daemon.inStep();
  await daemon.says('run-ended');
  await daemon.until('spans while it runs', () => collector.named('run').length > 0);
  site.lab.atlas.addControlPlane('aws', 'us-east-1', addition);
  await daemon.inStep();
  daemon.process.kill('SIGTERM');
  expect(await daemon.ended).toMatchObject({ code: 0 });

  const logged = daemon.of('run-ended').map(({ runId }) => runId);
  expect(collector.named('run').map(({ attributes }) => attributes['postern.run_id'])).toEqual(logged);
  const adding = collector
    .named('write')
    .filter(({ attributes }) => attributes['postern.adds'] === addition.length);
  expect(adding).toHaveLength(1);
  // A feed that is read on its own pace is a trace of its own.
  expect(collector.named('feed.read').some(({ parentSpanId }) => !parentSpanId)).toBe(true);
});

test('a collector that never answers neither fails a run nor keeps its process', async () => {
  const site = await openSite();
  const collector = await openCollector('swallow');
  site.configure({ policy: 'sync' });
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  site.setEnv(env);
  const { process, ended } = site.start('apply', '--yes');
  const said = new Promise<number>(resolve => process.stdout!.once('data', () => resolve(Date.now())));
  const saidAtMs = await said;
  const { code, stderr } = await ended;
  expect(Date.now() - saidAtMs).toBeLessThan(6_000);
  expect({ code, told: stderr.match(/Traces could not be sent/g)?.length }).toEqual({ code: 0, told: 1 });
  expect(site.lab.atlas.lockedOut(site.project.id)).toEqual([]);
});

function ancestorsOf(span: ReceivedSpan, spans: readonly ReceivedSpan[]): readonly string[] {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
  return parent ? [parent.spanId, ...ancestorsOf(parent, spans)] : [];
}
