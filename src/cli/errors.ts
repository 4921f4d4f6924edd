/** Says of any error what happened, what it means, and what to do. */
import { printable } from '../plan/render/printable.ts';
import { redactSecrets } from '../secret.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';

export interface ErrorReport {
  readonly name: string;
  readonly message: string;
  /** The messages of what caused it, outermost first, those left out that only repeat. */
  readonly causes: readonly string[];
  readonly meaning: string | undefined;
  readonly remedy: string | undefined;
  readonly code: string | undefined;
  /** Each fault of a config with its place. */
  readonly issues: readonly unknown[] | undefined;
  readonly exitCode: ExitCode;
}

const maxDepth = 8;

export function reportError(error: unknown): ErrorReport {
  const known = isKnown(error);
  const name = error instanceof Error ? error.name : 'Error';
  return {
    name,
    message: safe(messageOf(error)),
    causes: causesOf(error).map(safe),
    meaning: meaningOf(error, known),
    remedy: remedyOf(error, known),
    code: textOf(error, 'code'),
    issues: (error as { issues?: readonly unknown[] } | null)?.issues,
    exitCode: exitCodeOf(name),
  };
}

/** For a person; ends without a newline. The stack only with POSTERN_DEBUG=1. */
export function renderError(
  report: ErrorReport,
  style: (format: 'red' | 'dim' | 'bold', text: string) => string,
  stack: string | undefined,
): string {
  const lines = [`${style('red', 'error:')} ${report.message}`];
  for (const cause of report.causes) lines.push(`  ${style('dim', 'because:')} ${cause}`);
  if (report.meaning !== undefined) lines.push(`  ${style('dim', 'so:')} ${report.meaning}`);
  if (report.remedy !== undefined) lines.push(`  ${style('bold', 'to do:')} ${report.remedy}`);
  if (stack !== undefined) lines.push(safe(stack));
  return lines.join('\n');
}

/** For a program. */
export function errorJson({ exitCode, ...error }: ErrorReport): object {
  return { error, exitCode };
}

function exitCodeOf(name: string): ExitCode {
  if (name === 'UsageError') return exitCodes.usage;
  return name === 'RefusedError' ? exitCodes.refused : exitCodes.failed;
}

/** Ours: an error that was foreseen and speaks for itself. */
const knownNames = new Set([
  'AtlasError',
  'AtlasAnswerError',
  'CidrError',
  'ConfigError',
  'GateError',
  'GateConflictError',
  'GateUnverifiedError',
  'JournalError',
  'PlanFileError',
  'RefusedError',
  'TransportError',
  'UsageError',
]);

function isKnown(error: unknown): boolean {
  return error instanceof Error && (knownNames.has(error.name) || textOf(error, 'remedy') !== undefined);
}

function meaningOf(error: unknown, known: boolean): string | undefined {
  const own = textOf(error, 'meaning');
  if (own !== undefined) return safe(own);
  switch (error instanceof Error ? error.name : '') {
    case 'AtlasError':
    case 'AtlasAnswerError':
      return 'what Atlas lists could not be read; nothing is removed on that account.';
    case 'ConfigError':
      return 'nothing was read from Atlas or a gate, and nothing was written.';
    case 'GateConflictError':
      return 'nothing was written.';
    case 'GateUnverifiedError':
      return 'a write may have happened; the next run reads the gate and finds out. Nothing is removed until then.';
    case 'JournalError':
      return 'without its journal Postern may add addresses, and removes none.';
    case 'TransportError':
      return transportMeaning(error as { kind?: string; method?: string; mayHaveBeenSent?: boolean });
    default:
      return known ? undefined : 'this was not foreseen, and is a fault in Postern.';
  }
}

function transportMeaning(error: {
  kind?: string;
  method?: string;
  mayHaveBeenSent?: boolean;
}): string | undefined {
  if (error.kind === 'refused-write') return 'the request did not leave this process.';
  if (error.method === 'GET' || error.method === 'HEAD')
    return 'nothing could be read there; nothing was changed.';
  return error.mayHaveBeenSent
    ? 'the request may have been carried out all the same.'
    : 'the request was not sent.';
}

function remedyOf(error: unknown, known: boolean): string | undefined {
  const own = textOf(error, 'remedy');
  if (own !== undefined) return safe(own);
  return known ? undefined : 'Run it again with POSTERN_DEBUG=1 and report what it prints.';
}

function causesOf(error: unknown): readonly string[] {
  const causes: string[] = [];
  let told = messageOf(error);
  let cause = causeOf(error);
  // Counted, because causes can go in a circle.
  for (let depth = 0; cause !== undefined && depth < maxDepth; depth++) {
    const message = messageOf(cause);
    if (message !== '' && !told.includes(message)) {
      causes.push(message);
      told += message;
    }
    cause = causeOf(cause);
  }
  return causes;
}

function causeOf(error: unknown): unknown {
  if (error instanceof AggregateError && error.cause === undefined) return error.errors[0];
  return error instanceof Error ? (error.cause ?? undefined) : undefined;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === '' ? (textOf(error, 'code') ?? error.name) : error.message;
}

function textOf(error: unknown, key: string): string | undefined {
  const value = (error as Record<string, unknown> | null | undefined)?.[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Line by line, because a remote text may hold what moves a terminal's cursor. */
function safe(text: string): string {
  return redactSecrets(text).split('\n').map(printable).join('\n');
}
