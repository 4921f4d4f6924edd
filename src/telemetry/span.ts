/**
 * Spans of OpenTelemetry traces, without OpenTelemetry: what is worth a span says so here, and whether anybody takes
 * it is decided where the process begins. Without a tracer `inSpan` only does the work. The tracer and the span around
 * are found by the flow of control, so that no function is given them, and pure ones need not know.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

export type Attributes = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** One span as a tracer knows it. None of its methods throws. */
export interface OpenSpan {
  set(attributes: Attributes): void;
  /** What it was for did not succeed. `type` is a short word, such as an error's name. */
  fail(type: string, message?: string): void;
  end(): void;
}

/** Who takes spans. `begin` must not throw. */
export interface Tracer {
  begin(name: string, attributes: Attributes, parent: OpenSpan | undefined, kind: SpanKind): OpenSpan;
}

/** `client`: a request to another machine. */
export type SpanKind = 'internal' | 'client';

export type Span = Pick<OpenSpan, 'set' | 'fail'>;

interface Scope {
  readonly tracer: Tracer;
  readonly span: OpenSpan | undefined;
}

const scopes = new AsyncLocalStorage<Scope>();
const nobody: Span = { set: () => {}, fail: () => {} };

/** Everything that `work` begins is told to the tracer. */
export function withTracer<T>(tracer: Tracer, work: () => T): T {
  return scopes.run({ tracer, span: undefined }, work);
}

/** Does the work in a span of its own. What it throws is thrown on, and the span has failed. */
export async function inSpan<T>(
  name: string,
  attributes: Attributes,
  work: (span: Span) => T | Promise<T>,
  kind: SpanKind = 'internal',
): Promise<T> {
  const scope = scopes.getStore();
  if (!scope) return await work(nobody);
  const span = scope.tracer.begin(name, attributes, scope.span, kind);
  try {
    return await scopes.run({ tracer: scope.tracer, span }, () => work(span));
  } catch (error) {
    span.fail(
      error instanceof Error ? error.name : 'Error',
      error instanceof Error ? error.message : String(error),
    );
    throw error;
  } finally {
    span.end();
  }
}

/** The span around, where there is one: for what is known only later, or elsewhere. */
export function currentSpan(): Span {
  return scopes.getStore()?.span ?? nobody;
}
