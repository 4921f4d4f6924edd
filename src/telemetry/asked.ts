type Environment = Readonly<Record<string, string | undefined>>;

/** Whether the environment asks for traces, by OpenTelemetry's own variables ("OTLP Exporter Configuration"). */
export function tracesAsked(env: Environment): boolean {
  if (env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true' || env.OTEL_TRACES_EXPORTER === 'none')
    return false;
  return Boolean(env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT);
}
