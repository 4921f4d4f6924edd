import type { Finding, Severity } from '../finding.ts';
import { printable } from '../plan/render/printable.ts';
import type { Output, Style } from './output.ts';

const styles: Readonly<Record<Severity, Style>> = { error: 'red', warning: 'yellow', info: 'cyan' };

/** Findings on stderr; those that only inform not with `--quiet`. */
export function printFindings(output: Output, findings: readonly Finding[]): void {
  for (const { severity, message, remedy } of findings) {
    const label = output.styleNote(styles[severity], `${severity}:`);
    const text = `${label} ${printable(message)}${remedy === undefined ? '' : ` ${printable(remedy)}`}`;
    if (severity === 'info') output.note(text);
    else output.warn(text);
  }
}
