/** `postern ips`: the addresses that Atlas uses, as it lists them now. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Address, Cloud, Direction, FeedId } from '../../address/address.ts';
import {
  type AtlasClient,
  createAtlasClient,
  listControlPlane,
  type Observation,
  observeControlPlane,
  observeNodes,
} from '../../atlas/index.ts';
import { systemClock } from '../../clock.ts';
import { atlasCredentialsOf, type Config, systemFiles } from '../../config/index.ts';
import { printable } from '../../plan/render/printable.ts';
import { createTransport, useProxyFromEnvironment } from '../../transport/index.ts';
import type { CommandAction, CommandContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { UsageError } from '../failures.ts';
import { printFindings } from '../findings.ts';
import { type IpsFormat, renderIps } from '../ips/render.ts';
import { selectAddresses } from '../ips/select.ts';

interface IpsOptions {
  readonly project?: readonly string[];
  readonly format?: IpsFormat;
  readonly feed?: 'control-plane' | 'nodes';
  readonly direction?: Direction | 'all';
  readonly cloud?: Cloud;
  readonly region?: string;
  readonly cluster?: string;
}

/** What one feed lists: what a KMS must let in, and, of the control plane, everything else too. */
interface FeedListing {
  readonly observation: Observation;
  readonly everything: readonly Address[];
}

export const run: CommandAction<IpsOptions> = async (context, _args, options) => {
  const { output } = context;
  const config = context.loadConfig();
  const projects = projectsOf(options, config);
  const client = openClient(context, config, projects.length > 0);
  const step = output.step(`reading from ${config.atlas.baseUrl}`);
  const listings = await Promise.all([
    ...(options.feed === 'nodes' ? [] : [readControlPlane(client, config)]),
    ...projects.map(projectId => readNodes(client, projectId)),
  ]);
  const observations = listings.map(({ observation }) => observation);
  const incomplete = observations.filter(({ complete }) => !complete);
  const read = listings.flatMap(({ observation, everything }) =>
    options.direction === undefined ? observation.addresses : everything,
  );
  if (incomplete.length === 0) step.done(`${feedNames(observations)}: complete`);
  else step.fail(`${feedNames(incomplete)}: incomplete`);

  const addresses = selectAddresses(read, options);
  for (const observation of observations) printFindings(output, observation.findings);
  const format = options.format ?? (output.isJson ? 'json' : 'table');
  // With nothing read at all there is no list to print; an empty one could be taken for Atlas's answer.
  if (read.length > 0 || incomplete.length === 0) {
    renderIps(output, format, { addresses, observations });
  }
  return incomplete.length === 0 ? exitCodes.ok : reportIncomplete(context, incomplete, read.length);
};

function projectsOf({ project, feed, cluster }: IpsOptions, config: Config): readonly string[] {
  if (feed === 'control-plane') return [];
  if (project) return [...new Set(project)];
  if (feed !== 'nodes' && cluster === undefined) return [];
  const configured = [...new Set(config.gates.flatMap(gate => gate.projects))];
  if (configured.length > 0) return configured;
  throw new UsageError(
    'Whose nodes is not said.',
    'Name a project with --project, or list projects in the config’s gates.',
  );
}

/** Reads credentials only where a project's nodes are asked for. */
function openClient(context: CommandContext, config: Config, withCredentials: boolean): AtlasClient {
  const { env, output } = context;
  const warning = useProxyFromEnvironment(env);
  if (warning !== undefined) output.warn(warning);
  const { credentials, findings } = withCredentials
    ? atlasCredentialsOf(config.atlas, env, systemFiles)
    : { credentials: { kind: 'none' } as const, findings: [] };
  printFindings(output, findings);
  const transport = createTransport({
    clock: systemClock,
    random: Math.random,
    mode: 'read-only',
    tryTimeoutMs: config.atlas.timeoutMs,
  });
  return createAtlasClient({
    transport,
    clock: systemClock,
    baseUrl: config.atlas.baseUrl,
    credentials,
    nonce: () => randomBytes(16).toString('hex'),
  });
}

/** One request: the same answer is read as an observation and as a plain list. */
async function readControlPlane(client: AtlasClient, config: Config): Promise<FeedListing> {
  let body: unknown;
  const listening: AtlasClient = {
    ...client,
    get: async (...args) => {
      body = await client.get(...args);
      return body;
    },
  };
  const observation = await observeControlPlane(listening, {
    id: randomUUID(),
    previous: undefined,
    includeGateways: config.atlas.includeGateways,
    now: systemClock.now,
  });
  return { observation, everything: listControlPlane(body) };
}

async function readNodes(client: AtlasClient, projectId: string): Promise<FeedListing> {
  const observation = await observeNodes(client, {
    id: randomUUID(),
    projectId,
    previous: undefined,
    now: systemClock.now,
  });
  return { observation, everything: observation.addresses };
}

function feedNames(observations: readonly Observation[]): string {
  return observations.map(({ feed }): FeedId => feed).join(', ');
}

function reportIncomplete(
  { output }: CommandContext,
  incomplete: readonly Observation[],
  count: number,
): ExitCode {
  for (const { feed, faults } of incomplete) {
    output.warn(`${output.styleNote('red', 'error:')} the reading of ${feed} is incomplete:`);
    for (const { message } of faults) output.warn(`  ${printable(message)}`);
  }
  output.warn(
    count === 0
      ? `  ${output.styleNote('bold', 'to do:')} nothing could be read; see the reasons above.`
      : `  ${output.styleNote('bold', 'to do:')} addresses may be missing from the list. Do not replace an access list with it; adding them is safe.`,
  );
  return count === 0 ? exitCodes.failed : exitCodes.unsure;
}
