/** Structured logs: one JSON object a line, on stderr, without secrets. */
import pino from 'pino';
import { redactInJson, redactSecrets } from '../secret.ts';
import type { LogLevel } from './levels.ts';

export type { LogLevel };

export interface Logger {
  log(level: LogLevel, fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Written at once and in order: what a process said last is what matters most when it has died. */
export function createLogger(options: {
  readonly level: LogLevel;
  readonly destination: { write(text: string): unknown };
  readonly now: () => number;
}): Logger {
  const { level, destination, now } = options;
  const logger = pino(
    {
      level,
      base: { name: 'postern', pid: process.pid },
      timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
      // The last look at each line, whatever built it.
      hooks: { streamWrite: redactSecrets },
    },
    { write: text => void destination.write(text) },
  );
  return { log: (at, fields, message) => logger[at](withoutSecrets(fields), redactSecrets(message)) };
}

function withoutSecrets(fields: Readonly<Record<string, unknown>>): object {
  return JSON.parse(JSON.stringify(fields, redactInJson));
}
