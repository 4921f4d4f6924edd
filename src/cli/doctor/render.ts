/** What doctor found, for a person and for a program. */
import { meaningOf } from '../../doctor/catalogue.ts';
import { type Conclusion, countsOf, type DoctorFinding, type Section } from '../../doctor/report.ts';
import { printable } from '../../plan/render/printable.ts';
import { wrap } from '../../plan/render/wrap.ts';
import type { Output, Style } from '../output.ts';

export function printSections(output: Output, sections: readonly Section[], conclusion: Conclusion): void {
  for (const section of sections) {
    output.print(output.style('bold', printable(section.title)));
    if (section.findings.length === 0) output.print(`  ${output.style('green', '✓')} nothing to report`);
    for (const finding of section.findings) printFinding(output, finding);
    output.print('');
  }
  output.print(summary(output, sections, conclusion));
}

const marks = { error: ['red', '✗'], warning: ['yellow', '!'], info: ['cyan', 'i'] } as const;
const maxWidth = 110;

function printFinding(output: Output, finding: DoctorFinding): void {
  const { id, severity, message, remedy, unknown } = finding;
  const [style, mark] = unknown ? (['magenta', '?'] as const) : marks[severity];
  const room = Math.min(output.width, maxWidth) - 4;
  const paragraph = (label: string, labelStyle: Style, text: string) => {
    const indent = ' '.repeat(label.length + 1);
    const lines = wrap(text, room - indent.length);
    output.print(`    ${output.style(labelStyle, label)} ${lines[0]}`);
    for (const line of lines.slice(1)) output.print(`    ${indent}${line}`);
  };
  const [first, ...rest] = wrap(message, room);
  output.print(`  ${output.style(style, mark)} ${first}`);
  for (const line of rest) output.print(`    ${line}`);
  // A note speaks for itself; docs/doctor.md has the rest.
  const meaning = severity === 'info' ? undefined : meaningOf(id);
  if (meaning !== undefined) paragraph('so:', 'dim', meaning);
  if (remedy !== undefined) paragraph('to do:', 'bold', remedy);
  output.print(`    ${output.style('dim', `[${id}]`)}`);
}

const words = { error: 'error', warning: 'warning', info: 'note', unknown: 'thing not known' } as const;

function summary(output: Output, sections: readonly Section[], conclusion: Conclusion): string {
  const counts = countsOf(sections);
  const parts = (['error', 'unknown', 'warning', 'info'] as const)
    .filter(kind => counts[kind] > 0)
    .map(
      kind =>
        `${counts[kind]} ${kind === 'unknown' && counts[kind] > 1 ? 'things not known' : `${words[kind]}${counts[kind] === 1 ? '' : 's'}`}`,
    );
  const list = parts.length === 0 ? '' : ` (${parts.join(', ')})`;
  switch (conclusion) {
    case 'errors':
      return `${output.style('red', '✗')} Something is wrong${list}.`;
    case 'cannot-tell':
      return `${output.style('yellow', '?')} Nothing is known to be wrong, and not everything could be found out${list}.`;
    case 'well':
      return `${output.style('green', '✓')} Nothing is wrong${list}.`;
  }
}

export function doctorJson(sections: readonly Section[], conclusion: Conclusion): object {
  return {
    conclusion,
    counts: countsOf(sections),
    sections: sections.map(({ area, name, title, findings }) => ({
      area,
      name,
      title,
      findings: findings.map(({ id, severity, message, remedy, unknown }) => ({
        id,
        severity,
        unknown: unknown ?? false,
        message,
        meaning: meaningOf(id) ?? null,
        remedy: remedy ?? null,
      })),
    })),
  };
}
