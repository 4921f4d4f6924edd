/**
 * Sends spans to a collector by OTLP over HTTP, with OpenTelemetry's own library. It is loaded only where traces are
 * asked for. Its requests do not go through Postern's transport, which in a dry run would refuse them: they go to the
 * collector alone. Nothing of it reaches Atlas or a cloud: no header is added to any request.
 */
import { hostname } from 'node:os';
import {
  type Attributes as ApiAttributes,
  type Span as ApiSpan,
  SpanKind as ApiSpanKind,
  type Tracer as ApiTracer,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { redactSecrets } from '../secret.ts';
import type { Attributes, OpenSpan, Tracer } from './span.ts';

/** One sending with all its tries. A collector that takes longer than this loses spans; it does not slow Postern. */
const sendWithinMs = 1_500;
/** How long the end of the process waits for what is not sent yet. */
const flushWithinMs = 1_500;
const everyMs = 2_000;

export interface TracingOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Told once, when spans cannot be sent. */
  onFault(message: string): void;
}

export interface Tracing {
  readonly tracer: Tracer;
  /** Sends what is left, within a second or two. Never throws. */
  close(): Promise<void>;
}

/** Never throws: undefined, and a word to `onFault`, when the environment makes no sense. */
export function startTracing({ env, version, onFault }: TracingOptions): Tracing | undefined {
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT;
  const { protocol } = URL.parse(endpoint ?? '') ?? {};
  if (protocol !== 'http:' && protocol !== 'https:') {
    onFault('No traces are sent: OTEL_EXPORTER_OTLP_ENDPOINT is no URL that begins with http.');
    return undefined;
  }
  const tell = once(onFault);
  // The library says the same of each sending, in words that may quote the collector's answer.
  const logger = { error: tell, warn: ignore, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(logger, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'postern',
      'service.version': version,
      'host.name': hostname(),
      'process.pid': process.pid,
    }).merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [
      new BatchSpanProcessor({
        // The endpoint, headers and certificates are OpenTelemetry's own variables, and its library reads them.
        exporter: new OTLPTraceExporter({ timeoutMillis: sendWithinMs }),
        scheduledDelayMillis: everyMs,
        exportTimeoutMillis: sendWithinMs,
      }),
    ],
  });
  return {
    tracer: tracerOf(provider.getTracer('postern', version)),
    close: () => withinLimit(provider.shutdown()).catch(tell),
  };
}

function tracerOf(tracer: ApiTracer): Tracer {
  const spans = new WeakMap<OpenSpan, ApiSpan>();
  return {
    begin(name, attributes, parent, kind) {
      const around = parent && spans.get(parent);
      const context = around ? trace.setSpan(ROOT_CONTEXT, around) : ROOT_CONTEXT;
      const options = {
        kind: kind === 'client' ? ApiSpanKind.CLIENT : ApiSpanKind.INTERNAL,
        attributes: printable(attributes),
      };
      const span = tracer.startSpan(name, options, context);
      const open: OpenSpan = {
        set: more => void span.setAttributes(printable(more)),
        fail: (type, message) => {
          span.setAttribute('error.type', type);
          const said = message === undefined ? {} : { message: redactSecrets(message) };
          span.setStatus({ code: SpanStatusCode.ERROR, ...said });
        },
        end: () => span.end(),
      };
      spans.set(open, span);
      return open;
    },
  };
}

/** Whatever a name holds: a secret never leaves. */
function printable(attributes: Attributes): ApiAttributes {
  const shown: ApiAttributes = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'object') shown[name] = value.map(redactSecrets);
    else if (value !== undefined) shown[name] = typeof value === 'string' ? redactSecrets(value) : value;
  }
  return shown;
}

function once(onFault: (message: string) => void): () => void {
  let isTold = false;
  return () => {
    if (isTold) return;
    isTold = true;
    onFault(
      'Traces could not be sent to OTEL_EXPORTER_OTLP_ENDPOINT; those spans are lost, nothing else is.',
    );
  };
}

function ignore(): void {}

/** Rejects when the work does, or when it takes too long. */
async function withinLimit(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('The collector is too slow.')), flushWithinMs);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
