import { type ErrorReport, errorJson, renderError } from './errors.ts';
import type { Output } from './output.ts';

/** The errors of single gates, beside the result of the others: on stderr, as JSON where that was asked for. */
export function printErrors(
  output: Output,
  failures: readonly { gate: string; report: ErrorReport }[],
): void {
  for (const { gate, report } of failures) {
    if (output.isJson) {
      output.warn(JSON.stringify({ gate, ...errorJson(report) }));
    } else {
      output.warn(
        `${gate}: ${renderError(report, (style, text) => output.styleNote(style, text), undefined)}`,
      );
    }
  }
}
