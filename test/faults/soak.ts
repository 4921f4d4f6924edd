/** `postern watch` over many gates against the lab, and what it takes meanwhile: memory, CPU, requests. */

import { labOrganizationId } from '../../src/lab/default-world.ts';
import type { Site } from '../e2e/site.ts';

export interface SoakOptions {
  readonly gates: number;
  readonly forMs: number;
  /** Every interval of the daemon. */
  readonly everySeconds: number;
  readonly sampleEveryMs: number;
  onSample?(sample: SoakSample): void;
}

export interface SoakSample {
  /** Since the daemon was started. */
  readonly atMs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly cpuSeconds: number;
  readonly requests: number;
  readonly runs: number;
  readonly lockedOutGates: number;
}

export interface SoakResult {
  readonly samples: readonly SoakSample[];
  /** From the start until every gate let Atlas in; undefined where that never was. */
  readonly inStepAfterMs: number | undefined;
  /** From a change of the control plane, in the middle, until every gate let it in. */
  readonly changeTookMs: number | undefined;
  readonly exitCode: number | null;
  readonly faults: readonly string[];
}

export async function soak(site: Site, options: SoakOptions): Promise<SoakResult> {
  const { lab } = site;
  const vaults = addGates(site, options);
  /** How many vaults let an address in: asked often, so not by reading the vaults. */
  const everywhere = (cidr: string) => vaults.filter(id => lab.azure.letsIn(id, cidr)).length;
  const daemon = site.start('watch');
  const startedMs = Date.now();
  const sinceStart = () => Date.now() - startedMs;
  const samples: SoakSample[] = [];
  const faults: string[] = [];
  let url: string | undefined;
  let inStepAfterMs: number | undefined;
  let changedAtMs: number | undefined;
  let changeTookMs: number | undefined;
  daemon.process.stderr!.on('data', chunk => {
    url ??= /"url":"(http:[^"]+)"/.exec(String(chunk))?.[1];
    for (const line of String(chunk).split('\n'))
      if (/internal-fault|"level":"error"/.test(line)) faults.push(line);
  });
  // All lists hold the same control plane, so one address stands for it.
  const control = lab.atlas.controlPlane.outbound.aws!['us-east-1']![0]!;
  const fresh = '44.206.200.18/32';
  let nextSampleMs = 0;
  while (sinceStart() < options.forMs && daemon.process.exitCode === null) {
    await new Promise(resolve => setTimeout(resolve, 250));
    inStepAfterMs ??= everywhere(control) === vaults.length ? sinceStart() : undefined;
    if (changedAtMs === undefined && inStepAfterMs !== undefined && sinceStart() > options.forMs / 2) {
      lab.atlas.addControlPlane('aws', 'us-east-1', [fresh]);
      changedAtMs = sinceStart();
    }
    if (changedAtMs !== undefined && changeTookMs === undefined && everywhere(fresh) === vaults.length) {
      changeTookMs = sinceStart() - changedAtMs;
    }
    if (url === undefined || sinceStart() < nextSampleMs) continue;
    nextSampleMs = sinceStart() + options.sampleEveryMs;
    const sample = await sampleOf(site, url, sinceStart());
    if (!sample) continue;
    samples.push({ ...sample, lockedOutGates: vaults.length - everywhere(control) });
    options.onSample?.(samples.at(-1)!);
  }
  daemon.process.kill('SIGTERM');
  const { code } = await daemon.ended;
  return { samples, inStepAfterMs, changeTookMs, exitCode: code, faults };
}

/** Each gate has a vault and a project of its own. */
function addGates(site: Site, { gates, everySeconds }: SoakOptions): readonly string[] {
  const { lab, vaultId } = site;
  const all = [{ vault: vaultId, projects: [site.project.id] }];
  for (let n = 1; n < gates; n++) {
    const id = vaultId.replace(/[^/]+$/, `soak-${n}-cmk`);
    lab.azure.addVault(
      id,
      structuredClone(lab.azure.get(vaultId).properties.networkAcls!),
      lab.credentials.azure.tenantId,
    );
    const project = lab.atlas.addProject(`soak-${n}`, labOrganizationId, { cloud: 'azure', vaultId: id });
    const cluster = lab.atlas.createCluster(project.id, 'orders');
    lab.atlas.provision(cluster, 3);
    lab.atlas.finishCreating(cluster);
    all.push({ vault: id, projects: [project.id] });
  }
  const every = `${everySeconds}s`;
  site.configure(
    {},
    {
      watch: { controlPlane: every, nodes: every, gates: every, events: every },
      server: { listen: '127.0.0.1:0' },
    },
  );
  site.editConfig(config => {
    const [like] = config.gates;
    config.gates = all.map((gate, n) => ({ ...like, ...gate, name: `gate-${n}` }));
  });
  return all.map(({ vault }) => vault);
}

async function sampleOf(
  { lab }: Site,
  url: string,
  atMs: number,
): Promise<Omit<SoakSample, 'lockedOutGates'> | undefined> {
  try {
    const page = await (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(20_000) })).text();
    const of = (name: string) =>
      [...page.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce(
        (sum, [, value]) => sum + Number(value),
        0,
      );
    return {
      atMs,
      rssBytes: of('process_resident_memory_bytes'),
      heapBytes: of('nodejs_heap_size_used_bytes'),
      cpuSeconds: of('process_cpu_seconds_total'),
      requests: lab.requests.length,
      runs: of('postern_runs_total'),
    };
  } catch {
    // Slow is what the next sample shows.
    return undefined;
  }
}
