/** Finds out everything that the rules look at. Reads only; what cannot be read is a fact of its own. */
import type { FeedId } from '../address/address.ts';
import {
  type AtlasClient,
  type EncryptionAtRest,
  listProjects,
  readClusters,
  readEncryptionAtRest,
  readNetworkDeniedAlert,
  readSecretExpiry,
} from '../atlas/index.ts';
import type { Config, GateConfig } from '../config/index.ts';
import { createLimit } from '../limit.ts';
import { readAlerts } from '../reconcile/kms-alerts.ts';
import { prepare } from '../reconcile/prepare.ts';
import type { Run } from '../reconcile/run.ts';
import type { Session, SessionGate } from '../reconcile/session.ts';
import {
  type AtlasFacts,
  find,
  type GateFacts,
  type JournalFacts,
  type Known,
  type ProjectFacts,
} from './facts.ts';
import { type Growth, growthOf, totalGrowth } from './forecast.ts';

export interface Gatherer {
  readonly config: Config;
  readonly session: Session;
  readonly credentials: AtlasFacts['credentials'];
  readonly clientId: string | undefined;
  /** Does work for one gate, with a limit for its cloud. */
  forGate<T>(gate: SessionGate, work: () => Promise<T>): Promise<T>;
}

/** Requests to Atlas that are under way at once. */
const atlasConcurrency = 16;
/** Enough for a trend; the journal keeps 40 days. */
const readingsForTrend = 60;

/** Before any feed is read, because reading makes the journal's newest entry. */
export async function gatherJournal({ journal }: Session): Promise<Known<JournalFacts>> {
  const facts = await journal.attempt(async opened => {
    const [newest] = await opened.observations({ limit: 1 });
    return { location: opened.location, newestAtMs: newest?.atMs };
  });
  if (facts) return { known: true, value: facts };
  return {
    known: false,
    trouble: {
      message: journal.unavailable ?? 'it could not be read',
      remedy: undefined,
      status: undefined,
      code: undefined,
      passing: false,
    },
  };
}

export async function gatherAtlas({ session, credentials, clientId, config }: Gatherer): Promise<{
  readonly atlas: Omit<AtlasFacts, 'clock' | 'sunsets'>;
  readonly projects: readonly ProjectFacts[];
}> {
  const has = credentials.known && credentials.value !== 'none';
  const [{ newest }, visible] = await Promise.all([
    session.readFeed('control-plane'),
    has ? find(() => listProjects(session.atlas)) : undefined,
  ]);
  const projects = has ? await gatherProjects(session.atlas, config, visible) : [];
  return {
    atlas: {
      credentials,
      controlPlane: newest,
      projects: visible?.known ? { known: true, value: visible.value.length } : visible,
      secretEndsAtMs: await secretEnd(session.atlas, projects, clientId),
    },
    projects,
  };
}

/** Those that the config names, and every other that the credentials see and that uses a customer key. */
async function gatherProjects(
  client: AtlasClient,
  { gates }: Config,
  visible: Known<readonly { readonly id: string; readonly name: string }[]> | undefined,
): Promise<readonly ProjectFacts[]> {
  const names = new Map(visible?.known ? visible.value.map(({ id, name }) => [id, name]) : []);
  const ids = [...new Set([...gates.flatMap(gate => gate.projects), ...names.keys()])];
  const limit = createLimit(atlasConcurrency);
  const all = await Promise.all(
    ids.map(id => limit(() => gatherProject(client, id, names.get(id), gatesOf(gates, id)))),
  );
  return all.filter(project => project !== undefined);
}

function gatesOf(gates: readonly GateConfig[], id: string): readonly GateConfig[] {
  return gates.filter(({ projects }) => projects.includes(id));
}

/** Undefined: a project that is no business of ours. */
async function gatherProject(
  client: AtlasClient,
  id: string,
  name: string | undefined,
  gates: readonly GateConfig[],
): Promise<ProjectFacts | undefined> {
  const encryption = await find(() => readEncryptionAtRest(client, id));
  if (gates.length === 0 && (!encryption.known || !usesCustomerKey(encryption.value))) return undefined;
  const [alert, openAlerts, clusters] = await Promise.all([
    find(() => readNetworkDeniedAlert(client, id)),
    readAlerts(client, id),
    find(() => readClusters(client, id)),
  ]);
  return { id, name, gates, encryption, alert, openAlerts, clusters };
}

export function usesCustomerKey({ awsKms, azureKeyVault, googleCloudKms }: EncryptionAtRest): boolean {
  return [awsKms, azureKeyVault, googleCloudKms].some(part => part?.enabled === true);
}

/** Atlas tells it by way of a project; not to be told is no trouble. */
async function secretEnd(
  client: AtlasClient,
  projects: readonly ProjectFacts[],
  clientId: string | undefined,
): Promise<number | undefined> {
  const project = projects[0];
  if (!project || clientId === undefined) return undefined;
  const end = await find(() => readSecretExpiry(client, project.id, clientId));
  return end.known ? end.value : undefined;
}

export async function gatherGates({ session, forGate }: Gatherer): Promise<readonly GateFacts[]> {
  return await Promise.all(session.gates.map(gate => forGate(gate, () => gatherGate(gate))));
}

async function gatherGate(gate: SessionGate): Promise<GateFacts> {
  const run = await find(() => gate.open());
  if (!run.known) return { config: gate.config, reading: run, diagnosed: { known: true, value: [] } };
  const [reading, diagnosed] = await Promise.all([
    find(() => readGate(run.value, gate.config)),
    find(() => run.value.gate.diagnose()),
  ]);
  return { config: gate.config, reading, diagnosed };
}

async function readGate(run: Run, config: GateConfig) {
  const { plan, state } = await prepare(run, await run.gate.read());
  return { plan, state, limits: run.gate.limits, growth: await growthOfGate(run, config) };
}

async function growthOfGate({ journal }: Run, { projects }: GateConfig): Promise<Growth | undefined> {
  const feeds: readonly FeedId[] = ['control-plane', ...projects.map((id): FeedId => `nodes:${id}`)];
  const growths: (Growth | undefined)[] = [];
  for (const feed of feeds) {
    const readings = await journal.attempt(opened => opened.observations({ feed, limit: readingsForTrend }));
    growths.push(
      growthOf(
        (readings ?? [])
          .filter(({ complete }) => complete)
          .map(({ atMs, sections }) => ({
            atMs,
            addresses: Object.values(sections).reduce((sum, count) => sum + count, 0),
          })),
      ),
    );
  }
  return totalGrowth(growths);
}
