/** Real daemons, `postern watch` as it is built, over a real PostgreSQL, against a lab with a few gates. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, type TestContext } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import type { WriteRecord } from '../../../src/journal/journal.ts';
import { openPostgresJournal } from '../../../src/journal/postgres/open.ts';
import { labOrganizationId, labVaultId } from '../../../src/lab/default-world.ts';
import { type Lab, startLab } from '../../../src/lab/index.ts';
import { Secret } from '../../../src/secret.ts';
import { ensureBuilt } from '../../cli/postern.ts';

/** A line of a worker's log. */
export interface Said {
  readonly event: string;
  readonly gate?: string;
  readonly feed?: string;
  readonly status?: string;
  readonly writes?: readonly unknown[];
}

const entry = fileURLToPath(new URL('../../../dist/postern.js', import.meta.url));

export interface Worker {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly said: Said[];
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/** As often as the config allows. */
export const quick = { controlPlane: '1s', nodes: '1s', gates: '1s', events: '1s', minGap: '1s' };

export interface FleetSite {
  readonly lab: Lab;
  readonly gates: readonly string[];
  readonly projects: readonly string[];
  /** What all workers said, in the order in which it came. */
  readonly said: Said[];
  start(): Worker;
  writes(): Promise<readonly WriteRecord[]>;
  rules(gate: number): readonly string[];
  lockedOut(): readonly string[];
}

/** @param watch the config's section: how often the workers look */
export async function openFleetSite(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  url: string,
  gateCount: number,
  watch: Readonly<Record<string, string>> = quick,
  { more = {}, env = {} }: { readonly more?: object; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<FleetSite> {
  ensureBuilt();
  const lab = await startLab({ clock: systemClock, azure: { propagationMs: 0 } });
  const folder = mkdtempSync(join(tmpdir(), 'postern-fleet-'));
  const workers: Worker[] = [];
  onTestFinished(async () => {
    await Promise.all(workers.map(worker => worker.kill()));
    await lab.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const gates = Array.from({ length: gateCount }, (_, n) => `gate-${n}`);
  const vaultIds = gates.map(name => labVaultId.replace('payments-cmk', `${name}-cmk`));
  const projects = vaultIds.map((vaultId, n) => {
    lab.azure.addVault(
      vaultId,
      {
        bypass: 'AzureServices',
        defaultAction: 'Deny',
        ipRules: [{ value: `198.17.${n}.0/24` }],
        virtualNetworkRules: [],
      },
      lab.credentials.azure.tenantId,
    );
    const project = lab.atlas.addProject(gates[n]!, labOrganizationId, { cloud: 'azure', vaultId });
    const cluster = lab.atlas.createCluster(project.id, 'orders');
    lab.atlas.provision(cluster, 3);
    lab.atlas.finishCreating(cluster);
    return project.id;
  });
  writeFileSync(join(folder, 'ca.pem'), lab.caCertificatePem);
  writeFileSync(
    join(folder, 'postern.yaml'),
    JSON.stringify({ ...configOf(lab, gates, vaultIds, projects), watch, ...more }),
  );
  const said: Said[] = [];
  return {
    lab,
    gates,
    projects,
    said,
    start() {
      const child = spawn(process.execPath, [entry, 'watch', '--log-level', 'debug'], {
        cwd: folder,
        env: {
          PATH: process.env.PATH,
          HOME: folder,
          TMPDIR: folder,
          POSTERN_DATABASE_URL: url,
          LAB_ATLAS_SECRET: lab.credentials.atlas.serviceAccount.clientSecret,
          LAB_AZURE_SECRET: lab.credentials.azure.clientSecret,
          NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
          ...env,
        },
        stdio: ['ignore', 'inherit', 'pipe'],
      });
      const own: Said[] = [];
      createInterface({ input: child.stderr }).on('line', line => {
        if (!line.startsWith('{')) return;
        const what = JSON.parse(line) as Said;
        own.push(what);
        said.push(what);
      });
      const exited = once(child, 'exit');
      const worker: Worker = {
        process: child,
        pid: child.pid!,
        said: own,
        async kill(signal = 'SIGKILL') {
          child.kill(signal);
          await exited;
        },
      };
      workers.push(worker);
      return worker;
    },
    async writes() {
      const journal = await openPostgresJournal({ url: new Secret(url, 'env:TEST') });
      try {
        return [...(await journal.writes({ limit: 10_000 }))].reverse();
      } finally {
        await journal.close();
      }
    },
    rules: gate => lab.azure.get(vaultIds[gate]!).properties.networkAcls!.ipRules.map(({ value }) => value),
    lockedOut: () => projects.flatMap(id => lab.atlas.lockedOut(id)),
  };
}

/** Takes what the workers' webhook sends. */
export async function openReceiver({ onTestFinished }: Pick<TestContext, 'onTestFinished'>) {
  const told: string[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const { kind, situation } = JSON.parse(text);
    told.push(`${kind} ${situation.key}`);
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, told: () => told };
}

function configOf(
  lab: Lab,
  gates: readonly string[],
  vaultIds: readonly string[],
  projects: readonly string[],
): object {
  const { atlas, azure } = lab.credentials;
  return {
    atlas: {
      baseUrl: lab.urls.atlas,
      auth: {
        serviceAccount: { clientId: atlas.serviceAccount.clientId, clientSecret: 'env:LAB_ATLAS_SECRET' },
      },
    },
    gates: gates.map((name, n) => ({
      name,
      kind: 'azure-key-vault',
      vault: vaultIds[n],
      endpoint: lab.urls.azureResourceManager,
      authorityHost: lab.urls.azureAuthority,
      credential: {
        tenantId: azure.tenantId,
        clientId: azure.clientId,
        clientSecret: 'env:LAB_AZURE_SECRET',
      },
      projects: [projects[n]],
      policy: 'sync',
    })),
  };
}

/** The lease of a gate, or the heartbeat of its job and the look for silent workers, and a slow machine. */
export const takeOverMs = 120_000;

let address = 0;
export const countOf = ({ said }: Pick<Worker, 'said'>, event: string) =>
  said.filter(each => each.event === event).length;

/** Atlas begins to use a new address; every gate has to let it in. */
export function change({ lab }: FleetSite): string {
  const cidr = `13.48.${++address >> 8}.${address & 255}/32`;
  lab.atlas.addControlPlane('aws', 'eu-north-1', [cidr]);
  return cidr;
}

export const isEverywhere = (site: FleetSite, cidr: string) =>
  site.gates.every((_, n) => site.rules(n).includes(cidr) || site.rules(n).includes(cidr.replace('/32', '')));

/** Of one gate no write begins before the one before it is closed, whoever closed it. */
export function expectOneAtATime(writes: Awaited<ReturnType<FleetSite['writes']>>): void {
  for (const gateId of new Set(writes.map(write => write.gateId))) {
    const own = writes.filter(write => write.gateId === gateId);
    for (const [index, write] of own.slice(1).entries()) {
      const before = own[index]!;
      expect(before.finishedAtMs, `${gateId}, write ${before.id}`).not.toBeNull();
      expect(write.atMs).toBeGreaterThanOrEqual(before.finishedAtMs!);
    }
  }
}

/** The labs live in this process and must come to answer, so it does not look all the time. */
const pollMs = 250;

export async function until(
  condition: () => boolean | Promise<boolean>,
  withinMs: number,
  what: string,
): Promise<void> {
  const deadlineMs = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise(resolve => setTimeout(resolve, pollMs));
  }
}
