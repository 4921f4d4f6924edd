/**
 * How people do it today, as small honest models on the same worlds: what each reads, when, and what it makes of
 * what it reads. They are given what careful people would do: every list of every cluster, `curl --fail`, a
 * script that stops at the first error, and the entries of the office in the script.
 */
import type { Transport } from '../../src/transport/index.ts';
import type { SimulatedCloud } from './cloud.ts';
import { SimulatedProcess } from './process.ts';
import { between, type Random, randomFor } from './random.ts';
import { simulatedTransport } from './session-parts.ts';
import { dayMs, hourMs, listedControlPlane, type Site, type World } from './world.ts';

export interface Rival {
  readonly name: string;
  readonly title: string;
  start(world: World): void;
}

export const rivals: readonly Rival[] = [
  {
    name: 'cron-replace',
    title: 'cron job, replaces the list every hour',
    start: world =>
      forEachSite(world, 'cron-replace', (site, random, office) =>
        every(world, hourMs, random, async () => {
          const read = await readAtlas(world, site, curl(world));
          await replaceBy(site, curl(world), [...office, ...read]);
        }),
      ),
  },
  {
    name: 'cron-add',
    title: 'cron job, only adds, every hour',
    start: world =>
      forEachSite(world, 'cron-add', (site, random) =>
        every(world, hourMs, random, () => addAll(world, site)),
      ),
  },
  {
    name: 'terraform-daily',
    title: 'Terraform, applied daily',
    start: world =>
      forEachSite(world, 'terraform', (site, random, office) =>
        every(world, dayMs, random, async () => {
          // The provider repeats what failed, and takes a missing section for none.
          const read = await readAtlas(world, site, provider(world), 'none');
          await replaceBy(site, provider(world), [...office, ...read]);
        }),
      ),
  },
  {
    name: 'by-hand',
    title: 'by hand, after the e-mail or the outage',
    start: world => forEachSite(world, 'by-hand', (site, random) => byHand(world, site, random)),
  },
];

function forEachSite(
  world: World,
  name: string,
  start: (site: Site, random: Random, office: readonly string[]) => void,
): void {
  for (const site of world.sites) start(site, randomFor(world.seed, name, site.name), site.cloud.entries());
}

/** A run that fails leaves everything as it is until the next one. */
function every(world: World, periodMs: number, random: Random, work: () => Promise<void>): void {
  const again = (waitMs: number) => {
    world.scheduler.after(waitMs, () => {
      work().catch(error => world.trace(`the run failed: ${error.message}`));
      again(periodMs);
    });
  };
  again(between(random, 0, Math.min(periodMs, hourMs)));
}

/** A list that is right already is not written again. */
async function replaceBy(site: Site, transport: Transport, list: readonly string[]): Promise<void> {
  const next = new Set(list);
  const present = site.cloud.entries();
  if (present.length === next.size && present.every(entry => next.has(entry))) return;
  await site.cloud.replace(transport, () => [...next]);
}

/** Somebody acts days after an e-mail about the control plane, and hours after an outage. Adds, and never removes. */
function byHand(world: World, site: Site, random: Random): void {
  let known = listedControlPlane(world.atlas).join();
  let isComing = false;
  const comesAfter = (waitMs: number) => {
    if (isComing) return;
    isComing = true;
    world.scheduler.after(waitMs, () => {
      isComing = false;
      addAll(world, site).catch(() => comesAfter(hourMs));
    });
  };
  const look = () => {
    const listed = listedControlPlane(world.atlas).join();
    const isOut = site.inUse(world.atlas).some(address => !site.letsIn(address));
    if (isOut) comesAfter(between(random, hourMs, 10 * hourMs));
    else if (listed !== known) comesAfter(between(random, dayMs, 6 * dayMs));
    known = listed;
    world.scheduler.after(hourMs, look);
  };
  addAll(world, site).catch(() => comesAfter(hourMs));
  look();
}

async function addAll(world: World, site: Site): Promise<void> {
  const read = await readAtlas(world, site, curl(world));
  const present = new Set<string>(site.cloud.entries());
  if (read.every(address => present.has(address))) return;
  await site.cloud.replace(curl(world), entries => [...new Set([...entries, ...read])]);
}

/** `missing: 'fails'` is jq, which cannot iterate over null. */
async function readAtlas(
  world: World,
  site: Site,
  transport: Transport,
  missing: 'fails' | 'none' = 'fails',
): Promise<readonly string[]> {
  const origin = world.config().atlas.baseUrl;
  const { clientId, clientSecret } = world.credentials.serviceAccount;
  const get = async (path: string, version: string, authorization?: string) => {
    const accept = `application/vnd.atlas.${version}+json`;
    const headers = { accept, ...(authorization !== undefined && { authorization }) };
    return json(await transport.send({ method: 'GET', url: origin + path, headers }));
  };
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
  const { access_token: token } = json(
    await transport.send({
      method: 'POST',
      url: `${origin}/api/oauth/token`,
      headers: { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=client_credentials',
    }),
  );
  const valuesOf = (value: any): any[] => {
    if (value === null || typeof value !== 'object') {
      if (missing === 'none') return [];
      throw new Error(`cannot iterate over ${value}`);
    }
    return Object.values(value);
  };
  const { outbound } = await get('/api/atlas/v2/unauth/controlPlaneIPAddresses', '2023-11-15');
  const addresses = valuesOf(outbound).flatMap(valuesOf).flatMap(valuesOf);
  for (const id of site.projects) {
    const { services } = await get(`/api/atlas/v2/groups/${id}/ipAddresses`, '2023-01-01', `Bearer ${token}`);
    for (const cluster of valuesOf(services?.clusters)) {
      for (const list of ['inbound', 'outbound', 'futureInbound', 'futureOutbound']) {
        addresses.push(...valuesOf(cluster[list]).map(host => `${host}/32`));
      }
    }
  }
  return [...new Set([...addresses, ...site.pinned])];
}

function json({ status, body }: { status: number; body: Uint8Array }): any {
  if (status !== 200) throw new Error(`status ${status}`);
  return JSON.parse(Buffer.from(body).toString('utf8')) ?? {};
}

function curl(world: World): Transport {
  const transport = provider(world);
  return { ...transport, send: request => transport.send({ ...request, maxRetries: 0 }) };
}

function provider(world: World): Transport {
  const process = new SimulatedProcess(() => {});
  const clock = { now: () => world.scheduler.nowMs, sleep: (ms: number) => world.scheduler.sleep(ms) };
  return simulatedTransport(world, { onFault: () => world.judge.disturb() }, clock, process, 'read-write');
}

/** The judge is told of what a rival's write did, by rules that hold for every list. */
export function watchRival(world: World): void {
  for (const site of world.sites) {
    const { cloud }: { cloud: SimulatedCloud } = site;
    cloud.onWrite = write => {
      world.judge.onRivalWrite(site, write);
      world.settles(site);
    };
  }
}
