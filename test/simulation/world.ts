/** One world: Atlas, the gates' clouds, a network, a disk and a machine's clock, all made from a seed. */

import type { Cidr } from '../../src/address/cidr.ts';
import type { Config } from '../../src/config/config.ts';
import { defaultWatchConfig } from '../../src/config/watch.ts';
import type { GateKind } from '../../src/gates/gate.ts';
import { AtlasAuth } from '../../src/lab/atlas/auth.ts';
import { AtlasModel, type LabProject } from '../../src/lab/atlas/model.ts';
import { RateLimits } from '../../src/lab/atlas/rate-limit.ts';
import { atlasHandler } from '../../src/lab/atlas/server.ts';
import type { FreezeWindow } from '../../src/plan/freeze.ts';
import type { Policy } from '../../src/plan/plan.ts';
import { defaultRemovalPolicy, type RemovalPolicy } from '../../src/plan/removal-policy.ts';
import { Answers } from './answers.ts';
import { awsCloud } from './aws-cloud.ts';
import { azureCloud } from './azure-cloud.ts';
import type { CloudParts, SimulatedCloud } from './cloud.ts';
import { WorldFaults } from './faults.ts';
import { gcpCloud } from './gcp-cloud.ts';
import { Judge } from './judge.ts';
import { Disk } from './memory-journal.ts';
import { SimulatedNetwork } from './network.ts';
import { between, integer, pick, type Random, randomFor } from './random.ts';
import { Scheduler } from './scheduler.ts';

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;
export const yearMs = 365 * dayMs;

const defaultStartMs = Date.parse('2026-01-01T00:00:00Z');
const organizationId = 'a0123456789abcdef012345a';
const atlasOrigin = 'https://atlas.invalid';

/** One gate of the world: the operator's settings, and the cloud behind it. */
export class Site {
  readonly name: string;
  readonly cloud: SimulatedCloud;
  readonly policy: Policy;
  readonly adopt: boolean;
  readonly removal: RemovalPolicy;
  /** Projects that the config names. */
  projects: string[];
  /** Projects whose key is behind this gate, whether the config names them or not. */
  readonly keyHolders: string[];
  pinned: Cidr[] = [];
  /** Everything that Atlas ever listed or the operator pinned. */
  readonly everWanted = new Set<string>();

  readonly #letsIn = new Map<string, boolean>();

  constructor(options: Pick<Site, 'name' | 'cloud' | 'policy' | 'adopt' | 'removal' | 'projects'>) {
    this.name = options.name;
    this.cloud = options.cloud;
    this.policy = options.policy;
    this.adopt = options.adopt;
    this.removal = options.removal;
    this.projects = options.projects;
    this.keyHolders = [...options.projects];
  }

  /** Whether the cloud lets an address in now; asked once until something changes. */
  letsIn(address: string): boolean {
    let answer = this.#letsIn.get(address);
    if (answer === undefined) {
      answer = this.cloud.letsIn(address);
      this.#letsIn.set(address, answer);
    }
    return answer;
  }

  /** Something changed, or came to be in force. */
  changed(): void {
    this.#letsIn.clear();
  }

  /** What Atlas lists for the config's projects, and what is pinned: canonical blocks. */
  wanted(atlas: AtlasModel): ReadonlySet<string> {
    const wanted = new Set<string>(this.pinned);
    for (const address of listedControlPlane(atlas)) wanted.add(address);
    for (const id of this.projects) {
      for (const { nodes, future, outboundOnly } of atlas.projects.get(id)?.clusters ?? []) {
        for (const host of [...nodes, ...future, ...outboundOnly]) wanted.add(`${host}/32`);
      }
    }
    return wanted;
  }

  /** What Atlas really calls this KMS from: canonical blocks. */
  inUse(atlas: AtlasModel): readonly string[] {
    const all = this.keyHolders.flatMap(id => (atlas.projects.has(id) ? atlas.addressesInUse(id) : []));
    return [...new Set(all.map(address => (address.includes('/') ? address : `${address}/32`)))];
  }
}

export function listedControlPlane(atlas: AtlasModel): readonly string[] {
  return Object.values(atlas.controlPlane.outbound).flatMap(regions => Object.values(regions).flat());
}

export interface WorldOptions {
  readonly seed: string;
  /** Lines about what happens, for a trace. */
  readonly trace: (line: string) => void;
  /** Whether Postern, or who stands in its place, looks at every interval exactly; the daemon's vary by a tenth. */
  readonly isPunctual?: boolean;
  /** For a scenario, instead of what the seed would give. */
  readonly given?: {
    readonly startMs?: number;
    readonly intervalMs?: number;
    readonly propagationMs?: number;
    readonly controlPlane?: AtlasModel['controlPlane'];
    readonly policy?: Policy;
    readonly kind?: GateKind;
    readonly weather?: number;
  };
}

const feedRequests = ['GET /controlPlaneIPAddresses', 'GET /ipAddresses', 'GET /clusters', 'POST /token'];

/** Some teams want no grace at all. */
const gracesDays = [0, 1, 3, 3, 7, 7, 7, 7, 7, 14];

const cloudKinds = [
  'azure-key-vault',
  'azure-key-vault',
  'aws-role-policy',
  'aws-key-policy',
  'gcp-access-level',
] as const;
/** How long what was written may take to be in force. */
const propagationsMs: Readonly<Record<GateKind, readonly number[]>> = {
  'azure-key-vault': [0, 30_000, 2 * minuteMs, 15 * minuteMs],
  'aws-role-policy': [0, 5_000, minuteMs, 5 * minuteMs],
  'aws-key-policy': [0, 5_000, minuteMs, 5 * minuteMs],
  'gcp-access-level': [0, minuteMs, 10 * minuteMs, 30 * minuteMs],
};

/** Nothing is removed then. In UTC, so that the judge can tell by arithmetic of its own. */
const weekend: FreezeWindow = {
  kind: 'weekly',
  from: { day: 'fri', minute: 16 * 60 },
  to: { day: 'mon', minute: 8 * 60 },
  timeZone: 'UTC',
  note: undefined,
};

export class World {
  readonly seed: string;
  readonly scheduler: Scheduler;
  readonly atlas: AtlasModel;
  readonly sites: readonly Site[];
  readonly faults: WorldFaults;
  readonly network: SimulatedNetwork;
  readonly disk = new Disk();
  readonly answers = new Answers();
  readonly judge: Judge;
  readonly atlasAuth: AtlasAuth;
  readonly intervalMs: number;
  /** How much happens, as a share of what happens in the worst worlds. */
  readonly weather: number;
  /** How often the events of each project are read; 0: only while a removal is on probation. */
  readonly eventsMs: number;
  /** Whether Atlas's alerts reach the daemon, as hints. */
  readonly hasWebhook: boolean;
  readonly credentials = {
    serviceAccount: { clientId: 'mdb_sa_id_lab', clientSecret: 'mdb_sa_sk_lab-only-secret' },
    apiKey: { publicKey: 'labkey', privateKey: 'lab-only-private-key' },
  };
  /** Whether Atlas's answers say when they were made; no source says that all do. */
  readonly isDated: boolean;
  /** How far the clock of Postern's machine is ahead of the true time. */
  skewMs = 0;
  /** Since when it has been wrong; undefined: it is right. */
  wrongSinceMs: number | undefined;
  /** When the world last changed, in whatever way. */
  changedAtMs: number;
  readonly #given: NonNullable<WorldOptions['given']>;
  readonly #trace: (line: string) => void;
  #nextAddress = 0;
  /** Told when the grace of some entries of a gate begins. */
  onUnwanted: (site: Site) => void = () => {};
  /** Told of each change, after it. */
  onChange: () => void = () => {};

  constructor({ seed, trace, isPunctual = false, given = {} }: WorldOptions) {
    this.seed = seed;
    this.#trace = trace;
    this.#given = given;
    const { startMs = defaultStartMs } = given;
    this.changedAtMs = startMs;
    const random = randomFor(seed, 'world');
    this.scheduler = new Scheduler(startMs, (from, to) => this.judge.advance(from, to));
    const clock = { now: () => this.scheduler.nowMs, sleep: (ms: number) => this.scheduler.sleep(ms) };
    const drawnMs = intervalOf(random) * minuteMs;
    this.intervalMs = given.intervalMs ?? drawnMs;
    this.eventsMs = random() < 0.3 ? this.intervalMs : 0;
    this.hasWebhook = random() < 0.4;
    const drawnWeather = pick(random, [0.25, 0.5, 1]);
    this.weather = given.weather ?? drawnWeather;
    this.atlas = new AtlasModel({
      clock,
      tenantId: '54826b22-38d6-4fb2-bad9-b7b93a3e9c5a',
      letsIn: (key, address) => this.sites.find(({ cloud }) => cloud.key === key)?.letsIn(address) ?? false,
    });
    const drawn = controlPlaneOf(random, () => this.newAddress());
    this.atlas.controlPlane = structuredClone(given.controlPlane ?? drawn);
    this.atlasAuth = new AtlasAuth(clock, this.credentials);
    this.sites = Array.from({ length: random() < 0.7 ? 1 : 2 }, (_, index) => this.#makeSite(random, index));

    this.faults = new WorldFaults(randomFor(seed, 'faults'));
    const handleAtlas = atlasHandler({
      model: this.atlas,
      auth: this.atlasAuth,
      rateLimits: new RateLimits(clock),
    });
    this.isDated = randomFor(seed, 'dates')() < 0.75;
    this.network = new SimulatedNetwork(
      this.scheduler,
      this.faults,
      this.isDated,
      [
        { name: 'atlas', origin: atlasOrigin, handle: handleAtlas },
        ...this.sites.flatMap(({ cloud }) => cloud.services),
      ],
      randomFor(seed, 'network'),
    );
    this.judge = new Judge({
      now: clock.now,
      machineNow: () => this.machineNow(),
      atlas: this.atlas,
      sites: this.sites,
      answers: this.answers,
      intervalMs: this.intervalMs * (isPunctual ? 1 : 1.1),
      isDated: this.isDated,
      isDiskFull: () => this.disk.isFull,
      isImpeded: () =>
        this.disk.isFull ||
        this.disk.isUnreadable ||
        this.skewMs !== 0 ||
        this.sites.some(({ projects }) => projects.some(id => !this.atlas.isKeyValid(id))),
      onBreach: what => this.trace(`!!! ${what}`),
      onExposure: what => this.trace(what),
      onUnwanted: site => this.onUnwanted(site),
    });
    for (const site of this.sites) {
      site.cloud.onWrite = write => {
        this.trace(`write at ${site.name}: ${write.before.length} → ${write.after.length} entries`);
        this.judge.onWrite(site, write);
        this.settles(site);
      };
    }
  }

  machineNow(): number {
    return this.scheduler.nowMs + this.skewMs;
  }

  trace(line: string): void {
    this.#trace(`${new Date(this.scheduler.nowMs).toISOString().slice(0, 19)}Z ${line}`);
  }

  /** Something in the world has just been changed. */
  changed(what: string): void {
    this.trace(what);
    this.changedAtMs = this.scheduler.nowMs;
    this.judge.changed();
    this.onChange();
  }

  /** Whether nothing goes wrong at present that could make one look at the world differ from the next. */
  isUntroubled(): boolean {
    return (
      this.areFeedsUntroubled() &&
      this.network.down.size === 0 &&
      [...this.faults.episodes].every(({ hitsOnlyWrites }) => hitsOnlyWrites)
    );
  }

  /** The same of looks at Atlas's lists alone. */
  areFeedsUntroubled(): boolean {
    const { faults, network, disk } = this;
    return (
      !disk.isFull &&
      !disk.isUnreadable &&
      disk.spooled.length === 0 &&
      !network.down.has('atlas') &&
      [...faults.episodes].every(
        ({ on, where }) => on !== 'atlas' || !feedRequests.some(each => where.test(each)),
      )
    );
  }

  /** What was written is in force later; the judge looks again then. */
  settles(site: Site): void {
    this.changedAtMs = this.scheduler.nowMs;
    this.scheduler.after(site.cloud.propagationMs, () => {
      this.changedAtMs = this.scheduler.nowMs;
      site.changed();
      this.judge.changed();
    });
    // A look before then may have seen what was there before, and says nothing.
    this.scheduler.after(site.cloud.readLagMs, () => {
      this.changedAtMs = this.scheduler.nowMs;
    });
  }

  /** Someone else changes a gate's list. */
  editList(
    site: Site,
    by: string,
    what: string,
    change: (entries: readonly string[]) => readonly string[],
  ): void {
    site.cloud.edit(by, change);
    this.changed(`${by} ${what} at ${site.name}`);
    this.judge.edited(site);
    this.settles(site);
  }

  /** The config as it stands in the file now. */
  config(): Config {
    return {
      path: undefined,
      statePath: undefined,
      database: undefined,
      watch: {
        ...defaultWatchConfig,
        controlPlaneMs: this.intervalMs,
        nodesMs: this.intervalMs,
        gatesMs: this.intervalMs,
        eventsMs: this.eventsMs,
      },
      notify: [],
      server: undefined,
      atlas: { baseUrl: atlasOrigin, auth: undefined, includeGateways: false, timeoutMs: 30_000 },
      static: [],
      findings: [],
      gates: this.sites.map(({ name, projects, policy, pinned, adopt, removal, cloud }) =>
        cloud.configOf({ name, projects: [...projects], policy, pinned: [...pinned], adopt, removal }),
      ),
    };
  }

  /** A public address that no one had before. */
  newAddress(): string {
    const n = this.#nextAddress++;
    // 44.192.0.0 and up: spread out, so that no two are neighbours.
    return `44.${192 + ((n >> 14) & 31)}.${(n >> 6) & 255}.${((n & 63) << 2) | 1}/32`;
  }

  #makeSite(random: Random, index: number): Site {
    const cloud = this.#makeCloud(random, index);
    const name = `gate${index + 1}`;
    const projects = Array.from({ length: integer(random, 1, 2) }, (_, n) => {
      const project = this.atlas.addProject(`${name}-p${n}`, organizationId, cloud.key);
      for (let cluster = integer(random, 1, 2); cluster > 0; cluster--) this.addCluster(project, random);
      return project.id;
    });
    const drawnPolicy = pick(random, [
      'sync',
      'sync',
      'sync',
      'sync',
      'sync',
      'sync',
      'sync',
      'sync',
      'add-only',
      'observe',
    ] as const);
    return new Site({
      name,
      cloud,
      projects,
      policy: this.#given.policy ?? drawnPolicy,
      adopt: random() < 0.2,
      removal: {
        ...defaultRemovalPolicy,
        graceMs: pick(random, gracesDays) * dayMs,
        ...(random() < 0.15 && { approval: 'required' }),
        ...(random() < 0.2 && { freeze: [weekend] }),
      },
    });
  }

  /** What nobody knows of a cloud is drawn as well. */
  #makeCloud(random: Random, index: number): SimulatedCloud {
    const parts: CloudParts = {
      clock: { now: () => this.scheduler.nowMs, sleep: ms => this.scheduler.sleep(ms) },
      after: (ms, run) => void this.scheduler.after(ms, run),
      sender: () => this.judge.sender,
    };
    const foreign = Array.from({ length: integer(random, 0, 4) }, (_, n) => `198.${20 + index}.${n}.0/24`);
    const entries = foreign.length > 0 ? foreign : ['198.17.0.0/24'];
    const removals = pick(random, ['late', 'at-once'] as const);
    const drawn = pick(random, cloudKinds);
    const kind = this.#given.kind ?? drawn;
    const name = `key${index + 1}`;
    const propagationMs = this.#given.propagationMs ?? pick(random, propagationsMs[kind]);
    switch (kind) {
      case 'azure-key-vault':
        return azureCloud({
          clock: parts.clock,
          name,
          entries,
          behaviour: {
            propagationMs,
            removals,
            ruleOrder: pick(random, ['preserved', 'sorted']),
            duplicates: pick(random, ['keep', 'dedupe', 'refuse']),
            omittedVirtualNetworkRules: pick(random, ['keep', 'clear']),
          },
        });
      case 'gcp-access-level':
        return gcpCloud({
          ...parts,
          name,
          // A fifth of the teams leave it to Postern to make the level.
          entries: random() < 0.2 ? [] : entries,
          behaviour: {
            propagationMs,
            removals,
            operationMs: pick(random, [0, 2_000, 10_000]),
            listOrder: pick(random, ['preserved', 'reordered']),
            defaults: pick(random, ['shown', 'omitted']),
          },
        });
      default:
        return awsCloud({
          clock: parts.clock,
          kind,
          name,
          behaviour: {
            propagationMs,
            removals,
            readLagMs: pick(random, [0, 0, 2_000, 8_000]),
            lateReads: pick(random, ['all', 'every-other']),
            listOrder: pick(random, ['preserved', 'sorted']),
            listsOfOne: pick(random, ['keep', 'unwrap']),
            accountPrincipals: pick(random, ['arn', 'id', 'as-sent']),
          },
        });
    }
  }

  addCluster(project: LabProject, random: Random): void {
    const cluster = this.atlas.createCluster(project.id, `c${this.#nextAddress}-${project.clusters.length}`);
    this.#nextAddress++;
    this.atlas.provision(cluster, pick(random, [3, 3, 3, 5]));
    this.atlas.finishCreating(cluster);
  }
}

/** Minutes between two looks. A world that looks every minute takes as long as fifty of the others. */
function intervalOf(random: Random): number {
  const drawn = random();
  if (drawn < 0.01) return 1;
  if (drawn < 0.05) return 5;
  if (drawn < 0.2) return 15;
  return pick(random, [30, 60]);
}

const regions = {
  aws: ['us-east-1', 'us-west-2', 'eu-central-1', 'ap-northeast-1'],
  azure: ['eastus2', 'westeurope'],
  gcp: ['us-central1', 'europe-west1'],
} as const;

function controlPlaneOf(random: Random, newAddress: () => string): AtlasModel['controlPlane'] {
  const outbound: Record<string, Record<string, string[]>> = {};
  const scale = between(random, 1, 6);
  for (const [cloud, names] of Object.entries(regions)) {
    outbound[cloud] = {};
    for (const region of names) {
      outbound[cloud][region] = Array.from({ length: integer(random, 1, Math.ceil(scale)) }, newAddress);
    }
  }
  return { inbound: {}, outbound };
}
