/** What ships for operators names only what is there. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { parseConfig } from '../../src/config/parse.ts';
import { deliveryOutcomes } from '../../src/notify/notifier.ts';
import { coverages } from '../../src/reconcile/coverage.ts';
import { counters, gauges, histograms, Metrics, otherGauges } from '../../src/server/metrics.ts';
import { metricsPage } from '../../src/server/metrics-page.ts';
import { watchStatus } from '../notify/status.ts';
import { open } from './fixtures.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const known = new Set([
  ...[gauges, counters, otherGauges].flatMap(each => Object.values(each)).map(({ name }) => name),
  ...Object.values(histograms).flatMap(({ name }) => ['_bucket', '_sum', '_count'].map(part => name + part)),
]);
const named = (text: string) => [...new Set(text.match(/\bpostern_[a-z_]+/g))];

test('docs/metrics.md is up to date (else run: node scripts/metrics.ts)', () => {
  expect(read('docs/metrics.md')).toBe(metricsPage());
});

/** Each alert's and each panel's expression, with the alert's texts. */
const rules: readonly { alert: string; expr: string; annotations: Record<string, string> }[] = parse(
  read('deploy/prometheus/rules.yaml'),
).groups.flatMap(({ rules }: { rules: unknown[] }) => rules);
const panels: readonly string[] = JSON.parse(read('deploy/grafana/postern.json')).panels.flatMap(
  ({ targets }: { targets: { expr: string }[] }) => targets.map(({ expr }) => expr),
);
const expressions = [...rules.map(({ expr }) => expr), ...panels];

test('alert rules and panels name metrics that are there', () => {
  expect(rules.length).toBeGreaterThan(5);
  expect(panels.length).toBeGreaterThan(5);
  expect(named(expressions.join(' ')).filter(name => !known.has(name))).toEqual([]);
});

test("what they name of Node.js's own metrics is served", async () => {
  const metrics = new Metrics({
    status: () => watchStatus(),
    openAlerts: () => ({}),
    channels: () => [],
    withProcess: true,
  });
  const page = await metrics.text();
  const others = new Set(expressions.join(' ').match(/\b(process|nodejs)_[a-z_]+/g));
  expect([...others]).toContain('process_start_time_seconds');
  for (const name of others) expect(page).toContain(`# TYPE ${name} `);
});

const labelsOf = (name: string): readonly string[] => {
  const { labels } = [gauges, counters, histograms, otherGauges]
    .flatMap(each => Object.values(each))
    .find(each => name === each.name || name.replace(/_(bucket|sum|count)$/, '') === each.name)!;
  return [...labels, ...(name.endsWith('_bucket') ? ['le'] : [])];
};

test('alert rules and panels name labels, and values of them, that are there', () => {
  const values: Readonly<Record<string, readonly string[]>> = {
    coverage: coverages,
    outcome: deliveryOutcomes,
  };
  for (const expr of expressions) {
    for (const [, name, label, value] of expr.matchAll(/(postern_\w+)\{(\w+)="([^"]*)"\}/g)) {
      expect(labelsOf(name!), expr).toContain(label);
      expect(values[label!], expr).toContain(value);
    }
    const kept = [...expr.matchAll(/ by \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(', '));
    for (const label of kept) for (const name of named(expr)) expect(labelsOf(name), expr).toContain(label);
  }
});

test('a lock-out pages and shows though no address is missing, since nobody is let in', () => {
  const lockedOut =
    'max by (gate) (postern_gate_missing_addresses > bool 0 or postern_gate_coverage{coverage="locked-out"})';
  expect(rules.find(({ alert }) => alert === 'PosternAtlasLockedOut')?.expr).toBe(`${lockedOut} == 1`);
  expect(panels[0]).toBe(`sum(${lockedOut})`);
});

test('a fleet of three is not three times as much: what each worker says of the whole is not added up', () => {
  const ofTheWhole = [...gauges, otherGauges.openAlerts].map(({ name }) => name);
  for (const expr of panels) {
    const [outer] = /\b(sum|max|min|histogram_quantile)\b/.exec(expr) ?? [];
    expect(outer, `${expr} draws a line for each worker`).toBeDefined();
    if (named(expr).some(name => ofTheWhole.includes(name))) expect(expr).toMatch(/\b(max|min)\b/);
  }
});

test('an alert tells only labels that its expression keeps', () => {
  for (const { alert, expr, annotations } of rules) {
    const kept = / by \(([^)]*)\)/.exec(expr)?.[1]?.split(', ') ?? [];
    const told = [
      ...Object.values(annotations)
        .join(' ')
        .matchAll(/\$labels\.(\w+)/g),
    ].map(([, name]) => name);
    expect(
      told.filter(name => !kept.includes(name!)),
      alert,
    ).toEqual([]);
  }
});

/** A guard that trips does so once for each run, so the first time is not missed; and there is no list of them all. */
const bornLater = ['postern_guard_trips_total'];

test('whatever increase() or rate() is asked of is there at 0 from the first scrape on', async () => {
  const { app } = await open();
  const { body } = await app.inject({ url: '/metrics' });
  const asked = expressions.flatMap(expr =>
    [...expr.matchAll(/(?:increase|rate)\((postern_\w+)(\{[^}]*)?/g)].map(([, name, labels = '']) => ({
      name: name!,
      labels: labels.slice(1),
    })),
  );
  expect(asked.length).toBeGreaterThan(5);
  const isThere = ({ name, labels }: (typeof asked)[number]) =>
    body.split('\n').some(line => line.startsWith(name) && line.includes(labels) && line.endsWith(' 0'));
  expect(asked.filter(each => !isThere(each)).map(({ name }) => name)).toEqual(bornLater);
});

test('the Kubernetes manifests are YAML, and the config in them is one', () => {
  const documents = parseAllDocuments(read('deploy/kubernetes/postern.yaml')).map(document =>
    document.toJS(),
  );
  const config = documents.find(({ kind }) => kind === 'ConfigMap').data['postern.yaml'];
  expect(parseConfig(config, 'postern.yaml')).toMatchObject({ ok: true });
  const { spec } = documents.find(({ kind }) => kind === 'StatefulSet').spec.template;
  const { timeoutSeconds, periodSeconds, failureThreshold } = spec.containers[0].livenessProbe;
  expect(timeoutSeconds).toBeGreaterThanOrEqual(5);
  expect(periodSeconds * failureThreshold).toBeGreaterThanOrEqual(180);
  expect(spec.securityContext.runAsNonRoot).toBe(true);
  expect(spec.containers[0].securityContext).toMatchObject({
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
  });
});
