/** Writes docs/metrics.md from the code that serves the metrics; a test holds the two together. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { metricsPage } from '../src/server/metrics-page.ts';

writeFileSync(fileURLToPath(new URL('../docs/metrics.md', import.meta.url)), metricsPage());
