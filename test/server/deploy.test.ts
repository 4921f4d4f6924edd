/** What ships for operators names only what is there. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { parseConfig } from '../../src/config/parse.ts';
import { counters, gauges, histograms, openAlertsGauge } from '../../src/server/metrics.ts';
import { metricsPage } from '../../src/server/metrics-page.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const known = new Set([
  ...[...gauges, ...Object.values(counters), openAlertsGauge].map(({ name }) => name),
  ...Object.values(histograms).flatMap(({ name }) => ['_bucket', '_sum', '_count'].map(part => name + part)),
]);
const named = (text: string) => [...new Set(text.match(/\bpostern_[a-z_]+/g))];

test('docs/metrics.md is up to date (else run: node scripts/metrics.ts)', () => {
  expect(read('docs/metrics.md')).toBe(metricsPage());
});

test('alert rules are rules, and name metrics that are there', () => {
  const { groups } = parse(read('deploy/prometheus/rules.yaml'));
  const expressions = groups.flatMap(({ rules }: { rules: { expr: string }[] }) =>
    rules.map(({ expr }) => expr),
  );
  expect(expressions.length).toBeGreaterThan(5);
  expect(named(expressions.join(' ')).filter(name => !known.has(name))).toEqual([]);
});

test('the dashboard is JSON, and names metrics that are there', () => {
  const { panels } = JSON.parse(read('deploy/grafana/postern.json'));
  const expressions = panels.flatMap(({ targets }: { targets: { expr: string }[] }) =>
    targets.map(({ expr }) => expr),
  );
  expect(named(expressions.join(' ')).filter(name => !known.has(name))).toEqual([]);
});

test('the Kubernetes manifests are YAML, and the config in them is one', () => {
  const documents = parseAllDocuments(read('deploy/kubernetes/postern.yaml')).map(document =>
    document.toJS(),
  );
  const config = documents.find(({ kind }) => kind === 'ConfigMap').data['postern.yaml'];
  expect(parseConfig(config, 'postern.yaml')).toMatchObject({ ok: true });
  const { spec } = documents.find(({ kind }) => kind === 'StatefulSet').spec.template;
  expect(spec.securityContext.runAsNonRoot).toBe(true);
  expect(spec.containers[0].securityContext).toMatchObject({
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
  });
});
