/** What happens in a world: to Atlas, to the gates by other hands, to the network, the disk and the clock. */

import type { Cidr } from '../../src/address/cidr.ts';
import type { LabCluster, LabProject } from '../../src/lab/atlas/model.ts';
import type { LabService } from '../../src/lab/faults.ts';
import {
  type Episode,
  edit,
  failures,
  type InjectedFault,
  networkTrouble,
  throttled,
  writeTrouble,
} from './faults.ts';
import { between, integer, pick, type Random, randomFor, some, waitMs } from './random.ts';
import { dayMs, hourMs, listedControlPlane, minuteMs, type Site, type World } from './world.ts';

interface Happening {
  readonly name: string;
  readonly perYear: number;
  happen(world: World, random: Random): void;
}

/** Sets the world going: each kind of happening comes again and again, at random and on its own. */
export function startHappenings(world: World, kinds: readonly Happening[] = happenings): void {
  for (const kind of kinds) {
    const random = randomFor(world.seed, 'happening', kind.name);
    const next = () => {
      world.scheduler.after(waitMs(random, kind.perYear * world.weather), () => {
        kind.happen(world, random);
        next();
      });
    };
    next();
  }
  world.onUnwanted = site => troubleAtGraceEnd(world, site);
}

export const happenings: readonly Happening[] = [
  { name: 'the control plane grows', perYear: 8, happen: growControlPlane },
  { name: 'the control plane shrinks', perYear: 5, happen: shrinkControlPlane },
  { name: 'the control plane is renewed', perYear: 0.4, happen: renewControlPlane },
  { name: 'august 2025', perYear: 0.5, happen: rollOutAndBack },
  { name: 'used before listed', perYear: 0.7, happen: useUnlisted },
  { name: 'a cluster is created', perYear: 5, happen: createCluster },
  { name: 'a cluster is scaled', perYear: 4, happen: scaleCluster },
  { name: 'a cluster moves', perYear: 4, happen: moveCluster },
  { name: 'a cluster is deleted', perYear: 3, happen: deleteCluster },
  { name: 'the config changes', perYear: 1.5, happen: changeProjects },
  { name: 'a pin', perYear: 1, happen: changePins },
  { name: 'another hand adds', perYear: 3, happen: foreignAdds },
  { name: 'another hand removes', perYear: 3, happen: foreignRemoves },
  { name: 'another hand puts back', perYear: 1, happen: foreignPutsBack },
  { name: 'another hand changes settings', perYear: 2, happen: foreignSettings },
  { name: 'terraform reverts', perYear: 0.7, happen: terraformReverts },
  { name: 'writes are refused', perYear: 1, happen: refuseWrites },
  { name: 'the key is switched off', perYear: 0.7, happen: disableKey },
  { name: 'a single fault', perYear: 40, happen: singleFault },
  { name: 'a bad network', perYear: 5, happen: badNetwork },
  { name: 'atlas is down', perYear: 3, happen: world => outage(world, 'atlas') },
  {
    name: 'the cloud is down',
    perYear: 3,
    happen: (world, random) => outage(world, aCloudService(world, random)),
  },
  { name: 'a 429 storm', perYear: 2, happen: storm },
  { name: 'poisoned answers', perYear: 5, happen: poison },
  { name: 'stale answers', perYear: 3, happen: staleAnswers },
  { name: 'stale reads of the gate', perYear: 4, happen: staleReads },
  { name: 'tokens end', perYear: 2, happen: ({ atlasAuth }) => atlasAuth.revokeTokens() },
  { name: 'the clock jumps', perYear: 3, happen: jumpClock },
  { name: 'the disk is full', perYear: 3, happen: fillDisk },
  { name: 'the disk fails', perYear: 1, happen: failDisk },
  { name: 'the journal is lost', perYear: 0.15, happen: loseJournal },
];

/** Somebody edits the list right after Postern has looked at it, in the run that is to write. */
function editAfterALook(world: World, random: Random): void {
  const site = pick(random, world.sites);
  const cidr = `198.${integer(random, 50, 59)}.${integer(random, 0, 255)}.0/24`;
  const happens = () =>
    world.editList(site, 'an office', `lets in ${cidr} right after a look`, entries => [...entries, cidr]);
  const act = { kind: 'meanwhile', happens } as const;
  world.faults.episodes.add({
    on: site.cloud.services[site.cloud.kind === 'aws-role-policy' ? 1 : 0]!.name,
    where: site.cloud.requests.reads,
    share: 0.6,
    left: 1,
    choose: () => ({ label: 'an edit right after it', outcome: 'well-formed', act }),
  });
}

function growControlPlane(world: World, random: Random): void {
  const count = random() < 0.6 ? 1 : integer(random, 2, 12);
  const cidrs = Array.from({ length: count }, () => world.newAddress());
  const announced = random() < 0.6;
  if (random() < 0.3) editAfterALook(world, random);
  addToControlPlane(world, random, cidrs, announced);
  world.changed(`control plane: ${count} more${announced ? ', announced' : ', in use at once'}`);
  if (!announced) return;
  world.scheduler.after(between(random, hourMs, 40 * dayMs), () => {
    world.atlas.use(cidrs);
    world.changed(`control plane: ${cidrs.length} announced ones are in use`);
  });
}

function shrinkControlPlane(world: World, random: Random): void {
  const gone = removable(world, random, random() < 0.7 ? 1 : integer(random, 2, 6));
  removeFromControlPlane(world, gone);
  world.changed(`control plane: ${gone.length} fewer`);
  if (random() < 0.3) comeBack(world, random, gone);
}

/** Within the grace period, or long after it. */
function comeBack(world: World, random: Random, cidrs: readonly string[]): void {
  world.scheduler.after(between(random, minuteMs, 20 * dayMs), () => {
    const listed = new Set(listedControlPlane(world.atlas));
    addToControlPlane(
      world,
      random,
      cidrs.filter(cidr => !listed.has(cidr)),
      false,
    );
    world.changed(`control plane: ${cidrs.length} come back`);
  });
}

function renewControlPlane(world: World, random: Random): void {
  const old = listedControlPlane(world.atlas);
  const names: [string, string, string[]][] = Object.entries(world.atlas.controlPlane.outbound).flatMap(
    ([cloud, regions]) =>
      Object.keys(regions).map((region): [string, string, string[]] => [
        cloud,
        region,
        Array.from({ length: integer(random, 1, 5) }, () => world.newAddress()),
      ]),
  );
  for (const [cloud, region, cidrs] of names) {
    world.atlas.addControlPlane(cloud, region, cidrs, { announced: true });
  }
  world.changed('control plane: all new addresses are announced');
  world.scheduler.after(between(random, dayMs, 30 * dayMs), () => {
    for (const [, , cidrs] of names) world.atlas.use(cidrs);
    world.changed('control plane: the new addresses are in use');
  });
  world.scheduler.after(between(random, 31 * dayMs, 60 * dayMs), () => {
    removeFromControlPlane(world, old);
    world.changed(`control plane: ${old.length} old ones are gone`);
  });
}

/** Used at once, rolled back two hours later, and used again months after that, as in August 2025. */
function rollOutAndBack(world: World, random: Random): void {
  const cidrs = Array.from({ length: integer(random, 4, 25) }, () => world.newAddress());
  addToControlPlane(world, random, cidrs, false);
  world.changed(`control plane: ${cidrs.length} more in use at once`);
  world.scheduler.after(between(random, hourMs, 4 * hourMs), () => {
    removeFromControlPlane(world, cidrs);
    world.changed('control plane: rolled back');
    world.scheduler.after(between(random, dayMs, 60 * dayMs), () => {
      addToControlPlane(world, random, cidrs, false);
      world.changed('control plane: rolled out again');
    });
  });
}

function useUnlisted(world: World, random: Random): void {
  const cidr = world.newAddress();
  world.atlas.unlisted.add(cidr);
  world.changed(`control plane: ${cidr} is in use and not listed`);
  world.scheduler.after(between(random, 10 * minuteMs, 2 * dayMs), () => {
    world.atlas.unlisted.delete(cidr);
    addToControlPlane(world, random, [cidr], false);
    world.changed(`control plane: ${cidr} is listed`);
  });
}

function createCluster(world: World, random: Random): void {
  const project = aProject(world, random);
  if (!project || project.clusters.length >= 3) return;
  const cluster = world.atlas.createCluster(project.id, `c${world.scheduler.nowMs}`);
  world.changed(`cluster ${cluster.name} is being created`);
  world.scheduler.after(between(random, minuteMs, hourMs), () => {
    world.atlas.provision(cluster, pick(random, [3, 3, 3, 9]));
    world.changed(`cluster ${cluster.name} has addresses`);
    world.scheduler.after(between(random, minuteMs, 2 * hourMs), () => {
      if (cluster.stateName !== 'CREATING') return;
      world.atlas.finishCreating(cluster);
      if (random() < 0.2) cluster.outboundOnly = [world.newAddress().replace('/32', '')];
      world.changed(`cluster ${cluster.name} is created`);
    });
  });
}

function scaleCluster(world: World, random: Random): void {
  const cluster = aCluster(world, random);
  if (!cluster) return;
  world.atlas.announceScaling(cluster, integer(random, 1, 4));
  world.changed(`cluster ${cluster.name} will have ${cluster.future.length} more nodes`);
  world.scheduler.after(between(random, minuteMs, 5 * dayMs), () => {
    if (cluster.stateName !== 'UPDATING') return;
    world.atlas.finishScaling(cluster);
    world.changed(`cluster ${cluster.name} is scaled`);
    if (random() < 0.5) return;
    world.scheduler.after(between(random, hourMs, 20 * dayMs), () => {
      if (cluster.stateName !== 'IDLE' || cluster.nodes.length < 4) return;
      cluster.nodes.pop();
      world.changed(`cluster ${cluster.name} has a node less`);
    });
  });
}

/** In rounds, as Atlas migrates addresses; now and then it is rolled back half-way. */
function moveCluster(world: World, random: Random): void {
  const cluster = aCluster(world, random);
  if (!cluster) return;
  world.atlas.announceMove(cluster);
  const old = cluster.nodes;
  const next = cluster.future;
  const rounds = integer(random, 1, 3);
  world.changed(`cluster ${cluster.name} will move in ${rounds} rounds`);
  const round = (n: number) => {
    world.scheduler.after(between(random, minuteMs, 4 * dayMs), () => {
      if (cluster.stateName !== 'UPDATING') return;
      if (n < rounds && random() < 0.15) {
        cluster.nodes = old;
        cluster.future = [];
        cluster.stateName = 'IDLE';
        world.changed(`cluster ${cluster.name} moved back`);
        return;
      }
      const moved = Math.ceil((old.length * n) / rounds);
      cluster.nodes = [...next.slice(0, moved), ...old.slice(moved)];
      cluster.future = next.slice(moved);
      if (n === rounds) cluster.stateName = 'IDLE';
      world.changed(`cluster ${cluster.name} moved, round ${n} of ${rounds}`);
      if (n < rounds) round(n + 1);
    });
  };
  round(1);
}

function deleteCluster(world: World, random: Random): void {
  const project = aProject(world, random);
  const cluster = project && pick(random, project.clusters);
  if (!project || !cluster || project.clusters.length < 2 || cluster.stateName !== 'IDLE') return;
  world.atlas.beginDeleting(cluster);
  world.changed(`cluster ${cluster.name} is being deleted`);
  world.scheduler.after(between(random, minuteMs, 2 * hourMs), () => {
    world.atlas.deleteCluster(project.id, cluster.name);
    world.changed(`cluster ${cluster.name} is deleted`);
  });
}

/** A project is taken out of the config, or comes into it; now and then it goes on using the key all the same. */
function changeProjects(world: World, random: Random): void {
  const site = pick(random, world.sites);
  if (site.projects.length > 1 && random() < 0.5) {
    const [id] = some(random, site.projects, 1);
    site.projects = site.projects.filter(each => each !== id);
    const keepsKey = random() < 0.3;
    if (!keepsKey) {
      site.keyHolders.splice(site.keyHolders.indexOf(id!), 1);
      world.atlas.project(id!).key = undefined;
    }
    world.changed(
      `project ${id} is out of ${site.name}'s config${keepsKey ? ', and uses its key still' : ''}`,
    );
    return;
  }
  if (site.projects.length > 2) return;
  const project = world.atlas.addProject(
    `late-${world.scheduler.nowMs}`,
    'a0123456789abcdef012345a',
    site.cloud.key,
  );
  world.addCluster(project, random);
  site.projects = [...site.projects, project.id];
  site.keyHolders.push(project.id);
  world.changed(`project ${project.id} comes into ${site.name}'s config`);
}

function changePins(world: World, random: Random): void {
  const site = pick(random, world.sites);
  if (site.pinned.length > 0) site.pinned = [];
  else site.pinned = [world.newAddress() as Cidr];
  world.changed(`${site.name} has ${site.pinned.length} pinned`);
}

function foreignAdds(world: World, random: Random): void {
  const cidr = `198.${integer(random, 40, 49)}.${integer(random, 0, 255)}.0/24`;
  world.editList(pick(random, world.sites), 'an office', `lets in ${cidr}`, entries =>
    entries.includes(cidr) ? entries : [...entries, cidr],
  );
}

function foreignRemoves(world: World, random: Random): void {
  const site = pick(random, world.sites);
  const count = random() < 0.7 ? 1 : 5;
  world.editList(site, 'somebody', `takes out ${count}`, entries => {
    const gone = new Set(some(random, entries, Math.min(count, entries.length - 1)));
    return entries.filter(entry => !gone.has(entry));
  });
}

/** Takes out an entry, Postern's perhaps, and lets it in again later: it is theirs then. */
function foreignPutsBack(world: World, random: Random): void {
  const site = pick(random, world.sites);
  const [entry] = some(random, site.cloud.entries(), 1);
  if (entry === undefined || site.cloud.entries().length < 2) return;
  world.editList(site, 'somebody', `takes out ${entry}`, entries => entries.filter(each => each !== entry));
  world.scheduler.after(between(random, 2 * hourMs, 3 * dayMs), () => {
    if (site.cloud.entries().includes(entry)) return;
    world.editList(site, 'somebody', `puts back ${entry}`, entries => [...entries, entry]);
  });
}

function foreignSettings(world: World, random: Random): void {
  const site = pick(random, world.sites);
  site.cloud.changeSettings('an admin', random);
  world.changed(`an admin changes settings of ${site.name}`);
  world.judge.edited(site);
  world.settles(site);
}

/** For some days Terraform puts the list back to what it holds, each night. */
function terraformReverts(world: World, random: Random): void {
  const site = pick(random, world.sites);
  const held = site.cloud.entries();
  for (let night = 1; night <= integer(random, 1, 6); night++) {
    world.scheduler.after(night * dayMs * between(random, 0.9, 1), () =>
      world.editList(site, 'terraform', 'puts the list back', () => held),
    );
  }
}

function refuseWrites(world: World, random: Random): void {
  const site = pick(random, world.sites);
  site.cloud.refuseWrites(random);
  world.changed(`writes to ${site.name} are refused`);
  const end = world.judge.obstruct();
  world.scheduler.after(between(random, hourMs, 3 * dayMs), () => {
    site.cloud.refuseWrites(undefined);
    world.changed(`writes to ${site.name} are taken again`);
    end();
  });
}

function disableKey(world: World, random: Random): void {
  const project = aProject(world, random);
  if (!project) return;
  project.keyDisabled = true;
  world.changed(`the key of ${project.name} is off`);
  world.scheduler.after(between(random, 10 * minuteMs, 2 * dayMs), () => {
    project.keyDisabled = false;
    world.changed(`the key of ${project.name} is on`);
  });
}

function startEpisode(world: World, name: string, episode: Episode, lastsMs: number): void {
  world.faults.episodes.add(episode);
  world.changed(`${name} begins`);
  world.scheduler.after(lastsMs, () => {
    world.faults.episodes.delete(episode);
    world.changed(`${name} is over`);
  });
}

/** The worst time for trouble is when entries may go: a third of the grace periods end in some. */
function troubleAtGraceEnd(world: World, { name, removal, cloud }: Site): void {
  const { scheduler, seed, intervalMs } = world;
  const random = randomFor(seed, 'grace', name, scheduler.nowMs);
  if (random() > 0.35) return;
  const service = pick(random, cloud.services).name;
  const [on, where, choose] = pick(random, [
    ['atlas', endpoints.controlPlane, poisonOf(world)],
    ['atlas', endpoints.nodes, poisonNodes],
    ['atlas', endpoints.clusters, partialClusters],
    ['atlas', endpoints.key, keyTrouble],
    ['atlas', endpoints.anywhere, networkTrouble],
    [service, cloud.requests.reads, networkTrouble],
    [service, cloud.requests.writes, writeTrouble],
  ] as const);
  const episode: Episode = { on, where, share: between(random, 0.4, 1), left: Infinity, choose };
  scheduler.after(Math.max(0, removal.graceMs - between(random, 0, 1.5) * intervalMs), () =>
    startEpisode(
      world,
      `trouble at the end of grace: ${on} ${where}`,
      episode,
      between(random, hourMs, 5 * hourMs),
    ),
  );
}

/** Mostly hours, now and then days. */
function aWhile(random: Random): number {
  return random() < 0.85 ? between(random, hourMs, 10 * hourMs) : between(random, dayMs, 5 * dayMs);
}

const endpoints = {
  anywhere: /./,
  controlPlane: /controlPlane/,
  nodes: /ipAddresses$/,
  clusters: /clusters$/,
  key: /encryptionAtRest$/,
  token: /token$/,
} as const;

/** One request goes wrong, soon: at the worst moment as likely as at any other. */
function singleFault(world: World, random: Random): void {
  const site = pick(random, world.sites);
  const { reads, writes } = site.cloud.requests;
  const service = pick(random, site.cloud.services).name;
  const [on, where, choose] = pick(random, [
    ['atlas', endpoints.controlPlane, networkTrouble],
    ['atlas', endpoints.controlPlane, poisonOf(world)],
    ['atlas', endpoints.nodes, networkTrouble],
    ['atlas', endpoints.nodes, poisonNodes],
    ['atlas', endpoints.clusters, networkTrouble],
    ['atlas', endpoints.clusters, partialClusters],
    ['atlas', endpoints.key, networkTrouble],
    ['atlas', endpoints.key, keyTrouble],
    ['atlas', endpoints.token, networkTrouble],
    [service, reads, networkTrouble],
    [service, writes, writeTrouble],
    [service, writes, writeTrouble],
    [service, writes, writeTrouble],
  ] as const);
  const hitsOnlyWrites = where === writes;
  const episode: Episode = { on, where, share: 1, left: 1, choose, hitsOnlyWrites };
  world.faults.episodes.add(episode);
  world.changed(`a single fault awaits ${on} ${where}`);
}

/** Atlas, or one of the services of a gate's cloud. */
function aService(world: World, random: Random): LabService {
  return random() < 0.5 ? 'atlas' : aCloudService(world, random);
}

function aCloudService(world: World, random: Random): LabService {
  return pick(random, pick(random, world.sites).cloud.services).name;
}

function badNetwork(world: World, random: Random): void {
  const on = aService(world, random);
  const choose = (draw: Random) =>
    on !== 'atlas' && draw() < 0.5 ? writeTrouble(draw) : networkTrouble(draw);
  const episode: Episode = {
    on,
    where: endpoints.anywhere,
    share: between(random, 0.05, 0.6),
    left: Infinity,
    choose,
  };
  startEpisode(world, `a bad network before ${on}`, episode, between(random, hourMs, 10 * hourMs));
}

function outage(world: World, on: LabService): void {
  // One outage of a service is not ended by the end of another.
  if (world.network.down.has(on)) return;
  const random = randomFor(world.seed, 'outage', world.scheduler.nowMs);
  world.network.down.add(on);
  world.changed(`${on} cannot be reached`);
  const end = world.judge.obstruct();
  world.scheduler.after(between(random, 10 * minuteMs, 10 * hourMs), () => {
    world.network.down.delete(on);
    world.changed(`${on} can be reached again`);
    end();
  });
}

function storm(world: World, random: Random): void {
  const on = aService(world, random);
  const episode: Episode = {
    on,
    where: endpoints.anywhere,
    share: between(random, 0.3, 1),
    left: Infinity,
    choose: throttled,
  };
  startEpisode(world, `a 429 storm of ${on}`, episode, between(random, 10 * minuteMs, 6 * hourMs));
}

function poison(world: World, random: Random): void {
  const [where, choose] = pick(random, [
    [endpoints.controlPlane, poisonOf(world)],
    [endpoints.controlPlane, poisonOf(world)],
    [endpoints.nodes, poisonNodes],
    [endpoints.clusters, partialClusters],
    [endpoints.key, keyTrouble],
  ] as const);
  const episode: Episode = { on: 'atlas', where, share: between(random, 0.2, 1), left: Infinity, choose };
  startEpisode(world, `poison in ${where}`, episode, aWhile(random));
}

/** An old answer, as from a cache; it looks whole. Shorter than any grace period. */
function staleAnswers(world: World, random: Random): void {
  // Without any grace Postern, too, goes by them: nothing else than grace can tell.
  if (world.sites.some(({ removal }) => removal.graceMs === 0)) return;
  const old = structuredClone(world.atlas.controlPlane);
  const episode: Episode = {
    on: 'atlas',
    where: endpoints.controlPlane,
    share: between(random, 0.2, 1),
    left: Infinity,
    choose: () => edit('stale', 'well-formed', () => old),
  };
  startEpisode(world, 'stale answers', episode, between(random, hourMs, 10 * hourMs));
}

/** The reads that come just after the next writes do not show them. */
function staleReads(world: World, random: Random): void {
  const site = pick(random, world.sites);
  const seen = site.cloud.onWrite;
  const wereStale = site.cloud.readsMayBeStale;
  site.cloud.onWrite = write => {
    seen(write);
    site.cloud.staleReads(integer(random, 1, 3));
    world.trace('the next reads are stale');
    world.judge.disturb();
  };
  site.cloud.readsMayBeStale = true;
  world.changed(`reads of ${site.name} go stale after writes`);
  world.scheduler.after(between(random, dayMs, 10 * dayMs), () => {
    site.cloud.onWrite = seen;
    site.cloud.staleReads(0);
    site.cloud.readsMayBeStale = wereStale;
    world.changed(`reads of ${site.name} are fresh`);
  });
}

function jumpClock(world: World, random: Random): void {
  const jumpMs = pick(random, [-1, 1]) * pick(random, [minuteMs, hourMs, dayMs, 5 * dayMs, 30 * dayMs]);
  world.skewMs += jumpMs;
  world.wrongSinceMs ??= world.scheduler.nowMs;
  world.changed(`the clock jumps by ${jumpMs / hourMs} h`);
  world.scheduler.after(between(random, hourMs, 10 * dayMs), () => {
    // An absence that was noted ahead of time has its whole grace from there.
    const graceMs = Math.max(...world.sites.map(({ removal }) => removal.graceMs));
    if (world.skewMs > 0) world.judge.impede(world.scheduler.nowMs + world.skewMs + graceMs);
    if (world.wrongSinceMs !== undefined) world.judge.clockIsRight(world.wrongSinceMs);
    world.skewMs = 0;
    world.wrongSinceMs = undefined;
    world.changed('the clock is right again');
  });
}

function fillDisk(world: World, random: Random): void {
  world.disk.isFull = true;
  world.changed('the disk is full');
  world.scheduler.after(aWhile(random), () => {
    world.disk.isFull = false;
    // The daemon opens its journal within some minutes, and writes down what it kept.
    world.scheduler.after(10 * minuteMs, () => {
      if (!world.disk.isFull) world.judge.diskIsBack();
    });
    world.changed('the disk has space again');
  });
}

function failDisk(world: World, random: Random): void {
  world.disk.isUnreadable = true;
  world.changed('the disk cannot be read');
  world.scheduler.after(aWhile(random), () => {
    world.disk.isUnreadable = false;
    world.changed('the disk can be read again');
  });
}

function loseJournal(world: World): void {
  world.disk.lose();
  world.judge.journalLost();
  world.changed('the journal is lost');
}

function aProject({ atlas, sites }: World, random: Random): LabProject | undefined {
  const ids = pick(random, sites).projects;
  return ids.length > 0 ? atlas.project(pick(random, ids)) : undefined;
}

function aCluster(world: World, random: Random): LabCluster | undefined {
  const idle = aProject(world, random)?.clusters.filter(({ stateName }) => stateName === 'IDLE') ?? [];
  return idle.length > 0 ? pick(random, idle) : undefined;
}

function addToControlPlane(world: World, random: Random, cidrs: readonly string[], announced: boolean): void {
  const cloud = pick(random, Object.keys(world.atlas.controlPlane.outbound));
  const region = pick(random, Object.keys(world.atlas.controlPlane.outbound[cloud]!));
  world.atlas.addControlPlane(cloud, region, cidrs, { announced });
}

/** A region without addresses is not listed, and no cloud is ever without any. */
function removeFromControlPlane({ atlas }: World, cidrs: readonly string[]): void {
  const before = structuredClone(atlas.controlPlane.outbound);
  atlas.removeControlPlane(cidrs);
  for (const [cloud, regions] of Object.entries(atlas.controlPlane.outbound)) {
    for (const [region, list] of Object.entries(regions)) if (list.length === 0) delete regions[region];
    if (Object.keys(regions).length === 0) atlas.controlPlane.outbound[cloud] = before[cloud]!;
  }
}

/** Addresses that can go without emptying a region: Atlas's own good answers have no empty ones. */
function removable({ atlas }: World, random: Random, count: number): readonly string[] {
  const spare = Object.values(atlas.controlPlane.outbound).flatMap(regions =>
    Object.values(regions).flatMap(list => list.slice(1)),
  );
  return some(random, spare, count);
}

/** Wrong in a way that its form gives away. */
function poisonOf(_world: World): (random: Random) => InjectedFault {
  return random => {
    const strange = pick(random, [
      '0.0.0.0/0',
      '10.1.2.3/32',
      '52.0.0.1/33',
      '52.0.0.1/24',
      'localhost',
      '127.0.0.1/32',
    ]);
    return pick(random, [
      edit('no outbound', 'incomplete', ({ outbound: _, ...rest }) => rest),
      edit('outbound is null', 'incomplete', body => ({ ...body, outbound: null })),
      edit('a cloud is missing', 'incomplete', ({ outbound: { gcp: _, ...outbound } }) => ({ outbound })),
      edit('a cloud is empty', 'incomplete', ({ outbound }) => ({ outbound: { ...outbound, azure: {} } })),
      edit('everything is empty', 'incomplete', () => ({ outbound: { aws: {}, azure: {}, gcp: {} } })),
      edit('a list', 'incomplete', () => []),
      edit(`with ${strange}`, 'incomplete', ({ outbound }) => ({
        outbound: { ...outbound, aws: { ...outbound.aws, odd: [strange] } },
      })),
      edit('a region is empty', 'incomplete', ({ outbound }) => {
        const [region] = Object.entries<string[]>(outbound.aws).find(([, list]) => list.length > 0) ?? [
          'none',
        ];
        return { outbound: { ...outbound, aws: { ...outbound.aws, [region!]: [] } } };
      }),
      edit('every entry twice, in another order', 'well-formed', ({ outbound }) => ({
        outbound: Object.fromEntries(
          Object.entries<Record<string, string[]>>(outbound).map(([cloud, regions]) => [
            cloud,
            Object.fromEntries(
              Object.entries(regions).map(([region, list]) => [region, [...list.toReversed(), ...list]]),
            ),
          ]),
        ),
      })),
      failures.maintenance,
    ]);
  };
}

function poisonNodes(random: Random): InjectedFault {
  return pick(random, [
    edit('no services', 'incomplete', ({ groupId }) => ({ groupId })),
    edit('no clusters', 'incomplete', ({ groupId }) => ({ groupId, services: { clusters: [] } })),
    edit('another project', 'incomplete', body => ({ ...body, groupId: '0123456789abcdef01234567' })),
    edit('a cluster without addresses', 'incomplete', ({ groupId, services: { clusters } }) => ({
      groupId,
      services: {
        clusters: clusters.map((cluster: any, index: number) =>
          index > 0
            ? cluster
            : { ...cluster, inbound: [], outbound: [], futureInbound: [], futureOutbound: [] },
        ),
      },
    })),
    edit('a list is null', 'incomplete', ({ groupId, services: { clusters } }) => ({
      groupId,
      services: { clusters: clusters.map((cluster: any) => ({ ...cluster, outbound: null })) },
    })),
    failures.maintenance,
  ]);
}

/** A page that lacks its rest looks whole; what is missing is only the second opinion on clusters. */
function partialClusters(random: Random): InjectedFault {
  return pick(random, [
    edit('half a page', 'well-formed', body => ({ ...body, results: body.results.slice(0, 1) })),
    edit('no results', 'incomplete', ({ results: _, ...rest }) => rest),
    edit('a next page that leads nowhere', 'incomplete', body => ({
      ...body,
      links: [{ rel: 'next', href: 'https://elsewhere.invalid/' }],
    })),
    edit('pages in a circle', 'incomplete', body => ({
      ...body,
      links: [{ rel: 'next', href: body.links[0].href }],
    })),
    failures.maintenance,
  ]);
}

function keyTrouble(random: Random): InjectedFault {
  const change = (valid: unknown) => (body: any) => ({
    ...body,
    ...Object.fromEntries(
      ['awsKms', 'azureKeyVault', 'googleCloudKms']
        .filter(name => body[name].enabled)
        .map(name => [name, { ...body[name], valid }]),
    ),
  });
  return pick(random, [
    edit('the key is called invalid', 'incomplete', change(false)),
    edit('nothing is said of the key', 'incomplete', change(undefined)),
    edit('null', 'incomplete', () => null),
    failures.unavailable,
  ]);
}
