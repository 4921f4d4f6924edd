/**
 * The daemon on a simulated clock: the lab's Atlas answers in this process, gates are models in memory, and
 * the journal is the real one. What a request goes through is a function, so that anything can go wrong.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Cidr } from '../../src/address/cidr.ts';
import { parseCidr } from '../../src/address/cidr.ts';
import {
  type Config,
  defaultWatchConfig,
  type GateConfig,
  type WatchConfig,
} from '../../src/config/index.ts';
import {
  type Gate,
  GateConflictError,
  GateError,
  type GateState,
  type Revision,
} from '../../src/gates/gate.ts';
import { sqliteStore } from '../../src/journal/sqlite/store.ts';
import { AtlasAuth } from '../../src/lab/atlas/auth.ts';
import { AtlasModel, type LabProject } from '../../src/lab/atlas/model.ts';
import { RateLimits } from '../../src/lab/atlas/rate-limit.ts';
import { atlasHandler } from '../../src/lab/atlas/server.ts';
import type { Answer } from '../../src/lab/http.ts';
import { defaultRemovalPolicy, type RemovalPolicy } from '../../src/plan/removal-policy.ts';
import { Secret } from '../../src/secret.ts';
import { TransportError } from '../../src/transport/errors.ts';
import type { Transport, TransportRequest, TransportResponse } from '../../src/transport/transport.ts';
import { createWatch } from '../../src/watch/create-watch.ts';
import type { WatchEvent, WatchEventKind } from '../../src/watch/events.ts';
import type { JournalStore, Watch, WatchOptions } from '../../src/watch/watch.ts';
import { limitsOf, stateInForce } from '../plan/fixtures.ts';
import { SimClock, settled } from './sim-clock.ts';

export const startMs = Date.UTC(2026, 10, 24, 12);
export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;
const credentials = {
  serviceAccount: { clientId: 'mdb_sa_id_rig', clientSecret: 'mdb_sa_sk_rig-secret' },
  apiKey: { publicKey: 'rigkey', privateKey: 'rig-private' },
};

/** As the API gives it, with few addresses: a simulated day is a thousand readings. */
const smallControlPlane = {
  inbound: {},
  outbound: {
    aws: {
      'us-east-1': ['3.92.113.229/32', '3.208.110.31/32', '52.0.74.246/32', '34.193.91.42/32'],
      'eu-central-1': ['18.185.90.10/32', '3.121.44.71/32', '35.156.7.12/32', '3.120.1.9/32'],
    },
    azure: { eastus: ['40.112.209.0/32', '20.51.33.17/32'] },
    gcp: { 'us-central1': ['34.70.1.2/32', '35.222.9.3/32'] },
  },
};

/** One access list in memory. `onRead` and `onWrite` may throw, wait, or change the list. */
export class RigGate implements Gate {
  readonly kind = 'azure-key-vault';
  readonly name: string;
  readonly id: string;
  readonly key: string;
  readonly limits = limitsOf(1_000);
  entries: readonly Cidr[] = [];
  /** False: everyone is let in, and the next write shuts out whoever is not in it. */
  inForce = true;
  reads = 0;
  readonly writes: (readonly Cidr[])[] = [];
  onRead: () => unknown = () => {};
  onWrite: () => unknown = () => {};

  constructor(name: string, key: string) {
    this.name = name;
    this.id = `azure-key-vault:${key}`;
    this.key = key;
  }

  async read(): Promise<GateState> {
    this.reads++;
    await this.onRead();
    return this.#state();
  }

  write(next: readonly Cidr[], expected: Revision): Promise<GateState> {
    return this.#change(next, true, expected);
  }

  withdraw(expected: Revision): Promise<GateState> {
    return this.#change([], false, expected);
  }

  async #change(next: readonly Cidr[], inForce: boolean, expected: Revision): Promise<GateState> {
    await this.onWrite();
    if (this.#state().revision !== expected) throw new GateConflictError(this.name, 'The list was changed.');
    this.entries = next;
    this.inForce = inForce;
    this.writes.push(next);
    return this.#state();
  }

  async diagnose(): Promise<readonly []> {
    return [];
  }

  #state(): GateState {
    return stateInForce(this.entries, this.inForce);
  }
}

export const forbidden = () => new GateError('vault', 'The vault says no.', { code: 'Forbidden' });

export interface RigOptions {
  /** Names of gates, each with a project and a vault of its own. */
  readonly gates?: readonly string[];
  readonly watch?: Partial<WatchConfig>;
  readonly removal?: Partial<RemovalPolicy>;
  readonly policy?: GateConfig['policy'];
  readonly seed?: number;
}

export class Rig {
  readonly clock = new SimClock(startMs);
  readonly folder = mkdtempSync(join(tmpdir(), 'postern-watch-'));
  readonly journalPath = join(this.folder, 'journal.db');
  readonly atlas: AtlasModel;
  readonly gates = new Map<string, RigGate>();
  readonly projects = new Map<string, LabProject>();
  readonly events: WatchEvent[] = [];
  readonly requests: { readonly atMs: number; readonly path: string }[] = [];
  /** Stands before the lab's Atlas; what it gives is the answer, undefined lets the request through. */
  onRequest: (request: TransportRequest, path: string) => Promise<TransportResponse | undefined> | undefined =
    () => undefined;
  onOpenGate: (name: string, transport: Transport) => unknown = () => {};
  pingUrl: string | undefined;
  fleet: WatchOptions['fleet'];
  config: Config;
  store: JournalStore;
  watch!: Watch;
  ended!: Promise<void>;
  #random: () => number;
  readonly #handle: (request: never) => Answer;

  constructor(options: RigOptions = {}) {
    this.#random = seeded(options.seed ?? 1);
    const { clock } = this;
    this.atlas = new AtlasModel({
      clock,
      tenantId: '54826b22-38d6-4fb2-bad9-b7b93a3e9c5a',
      letsIn: (key, address) => {
        if (key.cloud !== 'azure') return false;
        const gate = [...this.gates.values()].find(each => each.key === key.vaultId.toLowerCase());
        if (!gate) return false;
        return !gate.inForce || gate.entries.includes(parseCidr(address, { bare: 'host' }));
      },
    });
    this.atlas.controlPlane = structuredClone(smallControlPlane);
    const names = options.gates ?? ['vault'];
    for (const name of names) this.#addGate(name);
    this.#handle = atlasHandler({
      model: this.atlas,
      auth: new AtlasAuth(clock, credentials),
      rateLimits: new RateLimits(clock),
    }) as never;
    this.config = {
      path: 'postern.yaml',
      statePath: this.journalPath,
      database: undefined,
      atlas: { baseUrl: 'http://atlas.lab', auth: undefined, includeGateways: false, timeoutMs: 30_000 },
      static: [],
      gates: names.map(name => this.gateConfig(name, options)),
      watch: { ...defaultWatchConfig, ...options.watch },
      notify: [],
      server: undefined,
      findings: [],
    };
    this.store = sqliteStore({ path: this.journalPath, clock });
    onTestFinished(async () => {
      await this.stop();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  gateConfig(name: string, { policy = 'sync', removal = {} }: RigOptions = {}): GateConfig {
    return {
      kind: 'azure-key-vault',
      name,
      vault: this.gates.get(name)!.key,
      cloud: 'AzureCloud',
      endpoint: undefined,
      authorityHost: undefined,
      credential: undefined,
      projects: [this.projects.get(name)!.id],
      policy,
      pinned: [],
      adopt: false,
      removal: { ...defaultRemovalPolicy, ...removal },
    };
  }

  /** The only gate, or the first. */
  get gate(): RigGate {
    return this.gates.values().next().value!;
  }

  get project(): LabProject {
    return this.projects.values().next().value!;
  }

  start(options?: { once?: boolean }): this {
    this.watch = createWatch({
      config: this.config,
      clock: this.clock,
      random: () => this.#random(),
      store: this.store,
      transport: () => this.#transport(),
      credentials: () => ({
        kind: 'service-account',
        clientId: credentials.serviceAccount.clientId,
        clientSecret: new Secret(credentials.serviceAccount.clientSecret, 'env:RIG'),
      }),
      openGate: async ({ name }, transport) => {
        await this.onOpenGate(name, transport);
        return this.gates.get(name)!;
      },
      pingUrl: () => this.pingUrl,
      ...(this.fleet && { fleet: this.fleet }),
      by: 'rig',
      command: 'postern watch',
    });
    this.watch.subscribe(event => this.events.push(event));
    this.ended = this.watch.run(options);
    return this;
  }

  async stop(): Promise<void> {
    if (!this.watch) return;
    const stopped = this.watch.stop('the test is over');
    await this.clock.advance(minuteMs);
    await stopped;
  }

  of<K extends WatchEventKind>(kind: K): readonly (WatchEvent & { kind: K })[] {
    return this.events.filter((event): event is WatchEvent & { kind: K } => event.kind === kind);
  }

  lockedOut(name = this.gate.name): readonly string[] {
    return this.atlas.lockedOut(this.projects.get(name)!.id);
  }

  requestsTo(part: string): readonly number[] {
    return this.requests.filter(({ path }) => path.includes(part)).map(({ atMs }) => atMs);
  }

  settled = settled;

  #addGate(name: string): void {
    const key = `/subscriptions/ea42f556-5106-4743-99b0-c129bfa71a47/resourceGroups/rig/providers/Microsoft.KeyVault/vaults/${name}`;
    const project = this.atlas.addProject(name, 'a0123456789abcdef012345a', { cloud: 'azure', vaultId: key });
    const cluster = this.atlas.createCluster(project.id, 'orders');
    this.atlas.provision(cluster, 3);
    this.atlas.finishCreating(cluster);
    this.projects.set(name, project);
    this.gates.set(name, new RigGate(name, key.toLowerCase()));
  }

  #transport(): Transport {
    const usage = { requests: 0, retries: 0, bytesReceived: 0 };
    return {
      usage: () => ({ ...usage }),
      send: async request => {
        const url = new URL(request.url);
        const refusal = request.method === 'GET' ? undefined : request.refusal?.();
        if (refusal !== undefined)
          throw new TransportError('refused-write', request, refusal, { mayHaveBeenSent: false });
        usage.requests++;
        this.requests.push({ atMs: this.clock.now(), path: url.pathname });
        return (await this.onRequest(request, url.pathname)) ?? this.#answer(request, url);
      },
    };
  }

  #answer(request: TransportRequest, url: URL): TransportResponse {
    const answer = this.#handle({
      method: request.method,
      path: url.pathname,
      target: url.pathname + url.search,
      query: url.searchParams,
      headers: request.headers,
      body: String(request.body ?? ''),
    } as never);
    return {
      status: answer.status,
      headers: { 'content-type': 'application/json', ...answer.headers },
      body: Buffer.from(JSON.stringify(answer.json ?? null)),
    };
  }
}

/** Mulberry32: small, and the same on every machine. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}
