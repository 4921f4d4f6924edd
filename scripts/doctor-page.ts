/** Makes docs/doctor.md of the catalogue: `node scripts/doctor-page.ts`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { catalogue } from '../src/doctor/catalogue.ts';

const titles = {
  setup: 'Setup: the config and the journal',
  atlas: 'Atlas as a whole',
  project: 'A project',
  gate: 'A gate',
} as const satisfies Record<keyof typeof catalogue, string>;

/** Pure. */
export function doctorPage(): string {
  const sections = Object.entries(catalogue).map(([area, findings]) =>
    [
      `## ${titles[area as keyof typeof titles]}`,
      '',
      '| finding | why it matters |',
      '|---|---|',
      ...Object.entries(findings)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([id, meaning]) => `| \`${id}\` | ${meaning} |`),
    ].join('\n'),
  );
  return `# What \`postern doctor\` finds

\`postern doctor\` looks at everything that would make a list useless: the config and the journal, Atlas, each
project, each gate. It only reads. Each finding says what is so, what it means, and which command or setting mends
it; every check is made, even when others fail.

| exit code | meaning |
|---|---|
| 0 | nothing is wrong; warnings and notes may be there |
| 2 | something is wrong: a finding is an error |
| 3 | nothing is known to be wrong, and something could not be found out |

With \`--json\` each finding has its \`id\`, \`severity\` (\`error\`, \`warning\`, \`info\`), \`unknown\` (it could not be
found out), \`message\`, \`meaning\` and \`remedy\`. The ids below are stable: filter and alert by them.

${sections.join('\n\n')}

This page is made of \`src/doctor/catalogue.ts\` by \`node scripts/doctor-page.ts\`; a test holds it against every
finding in the sources.
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('../docs/doctor.md', import.meta.url), doctorPage());
}
