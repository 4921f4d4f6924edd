/** docs/metrics.md, made of the code that serves the metrics. */
import { counters, gauges, histograms, otherGauges } from './metrics.ts';

interface Row {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

export function metricsPage(): string {
  const rows = (kind: string, list: readonly Row[]) =>
    list.map(
      ({ name, help, labels }) =>
        `| \`${name}\` | ${kind} | ${labels.map(label => `\`${label}\``).join(', ')} | ${help} |`,
    );
  return `# Metrics

\`postern watch\` serves these at \`/metrics\` for Prometheus, beside Node.js's own (\`process_\`, \`nodejs_\`).
[deploy/prometheus/rules.yaml](../deploy/prometheus/rules.yaml) has alert rules over them, and
[deploy/grafana/postern.json](../deploy/grafana/postern.json) a dashboard. This page is made of the code:
\`node scripts/metrics.ts\`.

| name | kind | labels | meaning |
|---|---|---|---|
${[
  ...rows('gauge', [...gauges, ...Object.values(otherGauges)]),
  ...rows('counter', Object.values(counters)),
  ...rows('histogram', Object.values(histograms)),
].join('\n')}
`;
}
