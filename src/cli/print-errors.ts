import type { SessionGate } from '../reconcile/session.ts';
import { type ErrorReport, errorJson, renderError, reportError } from './errors.ts';
import type { Output } from './output.ts';

export interface Failure {
  readonly gate: string;
  readonly report: ErrorReport;
}

/** Of what `forEachGate` gave: the gates that failed, and how. */
export function failuresOf(
  outcomes: readonly ({ readonly gate: SessionGate } & (
    | { readonly value: unknown }
    | { readonly error: unknown }
  ))[],
): readonly Failure[] {
  return outcomes.flatMap(outcome =>
    'error' in outcome ? [{ gate: outcome.gate.config.name, report: reportError(outcome.error) }] : [],
  );
}

/** The errors of single gates, beside the result of the others: on stderr, as JSON where that was asked for. */
export function printErrors(output: Output, failures: readonly Failure[]): void {
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
