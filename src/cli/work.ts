/** What the commands that work on gates share: a session made of the config, and the gates it names. */
import { randomBytes } from 'node:crypto';
import type { Cloud } from '../address/address.ts';
import type { AtlasCredentials } from '../atlas/index.ts';
import {
  atlasCredentialsOf,
  type Config,
  type GateConfig,
  resolveSecret,
  systemFiles,
} from '../config/index.ts';
import type { GateKind } from '../gates/gate.ts';
import { openGate } from '../gates/index.ts';
import { createLimit } from '../limit.ts';
import { type Overrides, openSession, type Session, type SessionGate } from '../reconcile/session.ts';
import { type Attributes, inSpan } from '../telemetry/span.ts';
import {
  createTransport,
  fencedTransport,
  type Transport,
  type TransportMode,
  useProxyFromEnvironment,
} from '../transport/index.ts';
import type { CommandContext } from './context.ts';
import { UsageError } from './failures.ts';
import { printFindings } from './findings.ts';
import { progressOf } from './progress.ts';

export interface WorkOptions {
  /** In a dry run no request that could write leaves the process, whatever the code above does. */
  readonly mode: TransportMode;
  /** Such as `postern plan`. */
  readonly command: string;
  readonly gateNames: readonly string[] | undefined;
  readonly overrides?: Overrides;
  /** The path of a journal for this work alone, instead of that of the config. */
  readonly ownJournal?: string;
  /** Puts something between all that send and the transport, to hear what is answered. */
  hear?(transport: Transport): Transport;
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
  const { credentials, findings } = atlasCredentialsOf(config.atlas, context.env, systemFiles);
  printFindings(context.output, findings);
  return await withSessionOf(context, { ...options, config, credentials }, work);
}

/** Like `withSession`, with a config that need not name a gate, and credentials that were resolved before. */
export async function withSessionOf<T>(
  context: CommandContext,
  options: WorkOptions & { readonly config: Config; readonly credentials: AtlasCredentials },
  work: (parts: Work) => Promise<T>,
): Promise<T> {
  const { config, credentials, ownJournal, hear = transport => transport } = options;
  const transport = hear(transportOf(context, config, options.mode));
  const progress = progressOf(context.output);
  const session = await openSession({
    config,
    transport,
    credentials,
    clock: context.clock,
    statePath: ownJournal ?? context.statePathOf(config),
    database: ownJournal === undefined ? context.databaseOf(config) : undefined,
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

/**
 * How many gates of one cloud are worked on at once; the rest wait their turn. More than the requests that may be
 * under way to one host, because a gate waits for Atlas as well.
 */
const gatesAtOnce: Readonly<Record<Cloud, number>> = { aws: 40, azure: 40, gcp: 16 };

/** Does something for every gate, several at once; one that fails gives its error and stops no other. */
export async function forEachGate<T>(
  { session }: Pick<Work, 'session'>,
  work: (gate: SessionGate) => Promise<T>,
): Promise<
  readonly ({ readonly gate: SessionGate } & ({ readonly value: T } | { readonly error: unknown }))[]
> {
  const limitOf = limitsByCloud();
  return await Promise.all(
    session.gates.map(async gate => {
      try {
        return {
          gate,
          value: await limitOf(gate)(() => inSpan('run', runAttributes(gate), () => work(gate))),
        };
      } catch (error) {
        return { gate, error };
      }
    }),
  );
}

function runAttributes({ config: { name, kind, policy, projects } }: SessionGate): Attributes {
  return {
    'postern.run_id': randomBytes(4).toString('hex'),
    'postern.gate': name,
    'postern.gate_kind': kind,
    'postern.policy': policy,
    'postern.projects': projects,
  };
}

/** A cloud that is slow holds up no other. */
export function limitsByCloud(): (gate: SessionGate) => <T>(work: () => Promise<T>) => Promise<T> {
  const limits = {
    aws: createLimit(gatesAtOnce.aws),
    azure: createLimit(gatesAtOnce.azure),
    gcp: createLimit(gatesAtOnce.gcp),
  };
  return ({ config }) => limits[cloudOf[config.kind]];
}

const cloudOf = {
  'aws-role-policy': 'aws',
  'aws-key-policy': 'aws',
  'azure-key-vault': 'azure',
  'gcp-access-level': 'gcp',
} as const satisfies Record<GateKind, Cloud>;

/** The gates of the config that were asked for; default all. Throws a UsageError when there is none. */
export function gatesNamed(config: Config, asked: readonly string[] | undefined): readonly GateConfig[] {
  checkGateNames(config, asked);
  return config.gates.filter(({ name }) => asked?.includes(name) ?? true);
}

function checkGateNames({ gates, path }: Config, asked: readonly string[] | undefined): void {
  if (gates.length === 0) {
    throw new UsageError(
      path === undefined
        ? 'There is no config, so there is no gate to work on.'
        : `The config ${path} names no gate.`,
      'Make a postern.yaml with `postern init`, or name one with --config. `postern demo` needs none.',
    );
  }
  checkGateNamesExist({ gates }, asked);
}

/** Throws a UsageError for a name that the config lacks. */
export function checkGateNamesExist(
  { gates }: Pick<Config, 'gates'>,
  asked: readonly string[] | undefined,
): void {
  const names = gates.map(({ name }) => name);
  const unknown = asked?.find(name => !names.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`There is no gate ${unknown}.`, `The config names: ${names.join(', ')}.`);
  }
}
