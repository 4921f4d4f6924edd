/** One process: from the arguments to the exit code. */
import { CommanderError } from 'commander';
import { redactSecrets } from '../secret.ts';
import { tracesAsked } from '../telemetry/asked.ts';
import { type CommandEntry, commands } from './commands/table.ts';
import type { GlobalOptions } from './context.ts';
import { errorJson, renderError, reportError } from './errors.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { UsageError } from './failures.ts';
import { Output } from './output.ts';
import { createProgram, type Dispatch } from './program.ts';

const lingerMs = 1_000;

/** Runs the command that the arguments name, and sets the process's exit code; never throws. */
export async function runCli(args: readonly string[]): Promise<void> {
  const { env, stdout, stderr } = process;
  const before = guessGlobals(args);
  let output = new Output({ stdout, stderr, env, ...before });
  const dispatch: Dispatch = async (entry, commandArgs, options, globals) => {
    output = new Output({ stdout, stderr, env, ...globals });
    const { createContext } = await import('./context.ts');
    const { run } = await entry.load();
    const context = createContext(globals, output, env, interruptSignal);
    const work = () => run(context, commandArgs, options as never);
    try {
      process.exitCode = await (tracesAsked(env) ? traced(entry, output, work) : work());
    } finally {
      if (entry.isDaemon) endSoon();
    }
  };
  try {
    await createProgram(dispatch).parseAsync([...args], { from: 'user' });
  } catch (error) {
    process.exitCode = fail(error, output);
  }
}

/** With a trace of what it does. A daemon has no span of its own: it would never end. */
async function traced(
  { name, isDaemon }: CommandEntry,
  output: Output,
  work: () => Promise<ExitCode>,
): Promise<ExitCode> {
  const [{ startTracing }, { inSpan, withTracer }, { version }] = await Promise.all([
    import('../telemetry/otlp.ts'),
    import('../telemetry/span.ts'),
    import('./version.ts'),
  ]);
  const onFault = (message: string) => output.warn(`warning: ${message}`);
  const tracing = startTracing({ env: process.env, version: version(), onFault });
  if (!tracing) return await work();
  try {
    return await withTracer(tracing.tracer, () =>
      isDaemon
        ? work()
        : inSpan(`postern ${name}`, {}, async span => {
            const code = await work();
            span.set({ 'process.exit.code': code });
            return code;
          }),
    );
  } finally {
    await tracing.close();
  }
}

function fail(error: unknown, output: Output): ExitCode {
  // Help and version come this way too.
  if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok;
  const report = reportError(error instanceof CommanderError ? usageErrorOf(error) : error);
  const stack = process.env.POSTERN_DEBUG === '1' && error instanceof Error ? error.stack : undefined;
  output.warn(renderError(report, (format, text) => output.styleNote(format, text), stack));
  if (output.isJson) output.json(errorJson(report));
  return report.exitCode;
}

/** `error: unknown command 'plna'\n(Did you mean plan?)` as a sentence and what to do. */
function usageErrorOf({ message, code }: CommanderError): UsageError {
  if (code === 'commander.help') return new UsageError('No command is named.', 'See: postern --help');
  const [what = '', ...rest] = message.replace(/^error: /, '').split('\n');
  const hint = rest.join(' ').replace(/^\((.*)\)$/, '$1');
  const sentence = `${what.charAt(0).toUpperCase()}${what.slice(1)}${/[.?!]$/.test(what) ? '' : '.'}`;
  return new UsageError(redactSecrets(sentence), [hint, 'See: postern --help'].filter(Boolean).join(' '));
}

/** Until the arguments are understood, and when they cannot be. */
function guessGlobals(args: readonly string[]): Pick<GlobalOptions, 'json' | 'quiet' | 'color'> {
  const end = args.indexOf('--');
  const options = end === -1 ? args : args.slice(0, end);
  return { json: options.includes('--json'), quiet: false, color: !options.includes('--no-color') };
}

/** From now on the first Ctrl-C asks the command to stop; a second one ends the process at once. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => controller.abort(new Error(`Interrupted by ${name}.`)));
  }
  return controller.signal;
}

/**
 * A daemon that has ended waits for nothing more: a request that hangs, and that nobody asks for any more, would keep
 * its process for as long as it is tried again. Where nothing does, the process ends before this by itself.
 */
function endSoon(): void {
  const { stdout, stderr } = process;
  const written = (stream: NodeJS.WriteStream) =>
    new Promise<void>(resolve => void stream.write('', () => resolve()));
  setTimeout(
    () => void Promise.all([stdout, stderr].map(written)).then(() => process.exit()),
    lingerMs,
  ).unref();
}

/** For shell completion and tests. */
export const commandNames: readonly string[] = commands.map(({ name }) => name);
