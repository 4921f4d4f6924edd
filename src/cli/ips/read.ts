/** Reads feeds for commands that need no gate and no journal. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Address } from '../../address/address.ts';
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
import { createTransport, useProxyFromEnvironment } from '../../transport/index.ts';
import type { CommandContext } from '../context.ts';
import { printFindings } from '../findings.ts';

/** What one feed lists: what a KMS must let in, and, of the control plane, everything else too. */
export interface FeedListing {
  readonly observation: Observation;
  readonly everything: readonly Address[];
}

/** The control plane, and the nodes of each project. Never throws for a feed: one that fails is incomplete. */
export async function readListings(
  context: CommandContext,
  config: Config,
  { projects, controlPlane }: { readonly projects: readonly string[]; readonly controlPlane: boolean },
): Promise<readonly FeedListing[]> {
  const client = openClient(context, config, projects.length > 0);
  return await Promise.all([
    ...(controlPlane ? [readControlPlane(client, config)] : []),
    ...projects.map(projectId => readNodes(client, projectId)),
  ]);
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
