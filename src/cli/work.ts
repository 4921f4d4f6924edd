/** What the commands that work on gates share: a session made of the config, and the gates it names. */
import { atlasCredentialsOf, type Config, resolveSecret, systemFiles } from '../config/index.ts';
import { openGate } from '../gates/index.ts';
import { type Overrides, openSession, type Session, type SessionGate } from '../reconcile/session.ts';
import {
  createTransport,
  fencedTransport,
  type Transport,
  useProxyFromEnvironment,
} from '../transport/index.ts';
import type { CommandContext } from './context.ts';
import { UsageError } from './failures.ts';
import { printFindings } from './findings.ts';
import { progressOf } from './progress.ts';

export interface WorkOptions {
  /** In a dry run no request that could write leaves the process, whatever the code above does. */
  readonly mode: 'read-only' | 'read-write';
  /** Such as `postern plan`. */
  readonly command: string;
  readonly gateNames: readonly string[] | undefined;
  readonly overrides?: Overrides;
}

export interface Work {
  readonly config: Config;
  readonly session: Session;
  readonly transport: Transport;
}

/** Opens a session, does the work, and closes it. Throws a ConfigError or UsageError before anything is read. */
export async function withSession<T>(
  context: CommandContext,
  options: WorkOptions,
  work: (parts: Work) => Promise<T>,
): Promise<T> {
  const config = context.loadConfig();
  checkGateNames(config, options.gateNames);
  const transport = transportOf(context, config, options.mode);
  const { credentials, findings } = atlasCredentialsOf(config.atlas, context.env, systemFiles);
  printFindings(context.output, findings);
  const progress = progressOf(context.output);
  const session = await openSession({
    config,
    transport,
    credentials,
    clock: context.clock,
    statePath: context.statePathOf(config),
    database: context.databaseOf(config),
    command: options.command,
    report: progress.report,
    openGate: (gate, fence) =>
      openGate(gate, {
        transport: fencedTransport(transport, fence.refusal),
        clock: context.clock,
        random: Math.random,
        secretOf: reference => {
          const resolved = resolveSecret(reference, context.env, systemFiles);
          printFindings(context.output, resolved.findings);
          return resolved.secret;
        },
      }),
    ...(options.gateNames && { gateNames: options.gateNames }),
    ...(options.overrides && { overrides: options.overrides }),
  });
  try {
    return await work({ config, session, transport });
  } finally {
    progress.end();
    await session.close();
  }
}

export function transportOf(context: CommandContext, config: Config, mode: WorkOptions['mode']): Transport {
  const warning = useProxyFromEnvironment(context.env);
  if (warning !== undefined) context.output.warn(warning);
  return createTransport({
    clock: context.clock,
    random: Math.random,
    mode,
    tryTimeoutMs: config.atlas.timeoutMs,
    onRetry: ({ because, waitMs }) =>
      context.output.note(`… trying again in ${(waitMs / 1000).toFixed(1)} s: ${because}`),
  });
}

/** Does something for every gate at once; one that fails gives its error and stops no other. */
export async function forEachGate<T>(
  { session }: Work,
  work: (gate: SessionGate) => Promise<T>,
): Promise<
  readonly ({ readonly gate: SessionGate } & ({ readonly value: T } | { readonly error: unknown }))[]
> {
  return await Promise.all(
    session.gates.map(async gate => {
      try {
        return { gate, value: await work(gate) };
      } catch (error) {
        return { gate, error };
      }
    }),
  );
}

function checkGateNames({ gates, path }: Config, asked: readonly string[] | undefined): void {
  if (gates.length === 0) {
    throw new UsageError(
      path === undefined
        ? 'There is no config, so there is no gate to work on.'
        : `The config ${path} names no gate.`,
      'Write a postern.yaml (see docs/postern.example.yaml), or name one with --config. `postern demo` needs none.',
    );
  }
  const names = gates.map(({ name }) => name);
  const unknown = asked?.find(name => !names.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`There is no gate ${unknown}.`, `The config names: ${names.join(', ')}.`);
  }
}
