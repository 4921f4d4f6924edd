/**
 * SIGKILL at random moments of `postern apply` and `postern watch`, while Atlas's addresses change: what must
 * hold after each, and that the next run puts everything right. Throws at the first thing that does not hold.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { AddressSet } from '../../src/address/address-set.ts';
import { parseCidr } from '../../src/address/cidr.ts';
import type { CloudSite } from '../e2e/cloud-sites.ts';
import { integrityOf, unfinishedWritesOf } from './journal-file.ts';
import type { Random } from './random.ts';

const hourMs = 60 * 60 * 1000;
const graceMs = 12 * hourMs;
/** Between a killed process and the one that puts right, and on to the next one that is killed. */
const halfRoundMs = 13 * hourMs;
/** A round that reaches no request is ended after so long. */
const longestMs = 5_000;
/** One that never loses all it lists: an emptied region is not believed, and that is tested elsewhere. */
const region = 'us-east-1';
const watching = { controlPlane: '1s', nodes: '1s', gates: '1s', events: '1s', minGap: '1s' };

export interface KillResult {
  readonly rounds: number;
  /** How the processes ended: `apply SIGKILL`, `apply exit 0`, … */
  readonly endings: ReadonlyMap<string, number>;
  /** Kills that left a write begun and not closed in the journal. */
  readonly leftUnfinished: number;
  readonly writes: number;
  readonly removals: number;
}

export interface KillOptions {
  readonly times: number;
  readonly random: Random;
  /** Epoch milliseconds: no further round is begun then. */
  readonly untilMs?: number;
  onRound?(): void;
}

export async function killAtRandomMoments(
  site: CloudSite,
  { times, random, untilMs = Number.POSITIVE_INFINITY, onRound }: KillOptions,
): Promise<KillResult> {
  site.configureGate({ removal: { grace: '12h', maxShare: 1 } }, { watch: watching });
  // Every answer takes a moment, so that a process can end at each of them.
  for (const on of ['atlas', ...site.services] as const)
    site.lab.faults.add({ on, act: { kind: 'latency', ms: 10 } });
  const world = new ChangingWorld(site, random);
  const endings = new Map<string, number>();
  let leftUnfinished = 0;
  // What a whole run asks for; learned as it goes, so that kills fall on all of it.
  let requestsOfARun = 14;
  await converge(site, world, 'at the start');
  let round = 0;
  for (; round < times && Date.now() < untilMs; round++) {
    world.pass(halfRoundMs);
    world.change();
    const command = random.pick(['apply', 'watch']);
    const before = site.lab.requests.length;
    const letIn = new Set(world.letIn());
    const child = site.startLater(world.aheadMs, command, ...(command === 'apply' ? ['--yes'] : []));
    // One in four at a write, if there is one: that is where most can go wrong.
    const nth = random.between(0, 3) === 0 ? 'a write' : random.between(0, requestsOfARun + 4);
    const killed = killAt(site, child.process, random, nth);
    // A daemon sees the world change under it.
    const change = setTimeout(() => world.change(), random.between(50, 1_500));
    const { signal, code, stderr } = await child.ended;
    clearTimeout(change);
    killed.stop();
    const what = `round ${round}, ${command} ${signal ?? `exit ${code}`}`;
    assert.ok(signal === 'SIGKILL' || code === 0, `${what}: ${stderr.slice(-2_000)}`);
    if (signal === null) requestsOfARun = Math.max(requestsOfARun, site.lab.requests.length - before);
    const ending = `${command} ${signal ?? `exit ${code}`}`;
    endings.set(ending, (endings.get(ending) ?? 0) + 1);

    if (existsSync(site.journalPath)) {
      assert.equal(integrityOf(site.journalPath), 'ok', what);
      leftUnfinished += Math.min(1, unfinishedWritesOf(site.journalPath));
    }
    world.check(what, letIn);
    world.pass(halfRoundMs);
    await converge(site, world, `after ${what}`);
    onRound?.();
  }
  await removeAllThatIsDue(site, world);
  assert.equal(unfinishedWritesOf(site.journalPath), 0);
  const { writes } = JSON.parse((await site.run('history', '--json', '--limit', '1000')).stdout);
  return {
    rounds: round,
    endings,
    leftUnfinished,
    writes: writes.length,
    removals: writes.filter(({ kind }: { kind: string }) => kind === 'remove').length,
  };
}

/** Kills at the n-th request from now, or a moment after it; 0 is a moment after the start. */
function killAt(
  { lab, isWrite }: CloudSite,
  child: { kill(signal: 'SIGKILL'): boolean },
  random: Random,
  nth: number | 'a write',
) {
  const from = lab.requests.length;
  const waitMs = nth === 0 ? random.between(0, 600) : random.between(0, 25);
  const hasCome = () =>
    nth === 'a write' ? lab.requests.slice(from).some(isWrite) : lab.requests.length - from >= nth;
  let timer: NodeJS.Timeout | undefined;
  const look = setInterval(() => {
    if (!hasCome()) return;
    clearInterval(look);
    timer = setTimeout(() => child.kill('SIGKILL'), waitMs);
  }, 2);
  const last = setTimeout(() => child.kill('SIGKILL'), longestMs);
  return {
    stop: () => {
      clearInterval(look);
      clearTimeout(timer);
      clearTimeout(last);
    },
  };
}

async function converge(site: CloudSite, world: ChangingWorld, when: string): Promise<void> {
  const letIn = new Set(world.letIn());
  const { code, stdout, stderr } = await site.startLater(world.aheadMs, 'apply', '--yes').ended;
  assert.equal(code, 0, `${when}: ${stdout}${stderr}`);
  assert.deepEqual(site.lab.atlas.lockedOut(site.project.id), [], when);
  world.check(when, letIn);
}

/** Nothing may stay for ever either: after enough time the list is what Atlas wants, and what is others'. */
async function removeAllThatIsDue(site: CloudSite, world: ChangingWorld): Promise<void> {
  for (let n = 0; n < 4; n++) {
    world.pass(halfRoundMs);
    await converge(site, world, 'at the end');
  }
  const wanted = AddressSet.of(
    [...world.listed(), ...site.foreign].map(text => parseCidr(text, { bare: 'host' })),
  );
  const listed = AddressSet.of(site.entries());
  assert.deepEqual(listed.difference(wanted).toCidrs(), [], 'is let in for ever');
  assert.deepEqual(wanted.difference(listed).toCidrs(), [], 'is not let in');
}

/** Atlas as it changes, and what must hold of the gate meanwhile, by Postern's clock. */
class ChangingWorld {
  readonly #site: CloudSite;
  readonly #random: Random;
  /** When each address that Atlas dropped was dropped. */
  readonly #droppedAtMs = new Map<string, number>();
  readonly #ours: string[] = [];
  readonly #others: unknown;
  #next = 0;
  #clusters = 0;
  aheadMs = 0;

  constructor(site: CloudSite, random: Random) {
    this.#site = site;
    this.#random = random;
    this.#others = site.others();
  }

  pass(ms: number): void {
    this.aheadMs += ms;
    this.#site.setAhead(this.aheadMs);
  }

  /** One thing at random: an address comes, goes or comes back; nodes move; a cluster is made or deleted. */
  change(): void {
    const { atlas } = this.#site.lab;
    const before = new Set(this.listed());
    const { clusters } = this.#site.project;
    const kind = this.#random.pick(['add', 'add', 'drop', 'drop', 'come-back', 'move', 'cluster', 'nothing']);
    if (kind === 'add') this.#add();
    if (kind === 'drop' && this.#ours.length > 0) {
      atlas.removeControlPlane(this.#ours.splice(0, this.#random.between(1, 3)));
    }
    if (kind === 'come-back') this.#comeBack();
    if (kind === 'move') {
      const moving = clusters.find(({ future }) => future.length > 0);
      if (moving) atlas.finishMove(moving);
      else atlas.announceMove(this.#random.pick(clusters));
    }
    if (kind === 'cluster') this.#makeOrDelete();
    const now = new Set(this.listed());
    for (const text of before) if (!now.has(text)) this.#droppedAtMs.set(text, this.#nowMs());
    for (const text of now) this.#droppedAtMs.delete(text);
  }

  #add(): void {
    const n = this.#next++;
    const cidrs = [`13.48.${n >> 8}.${n & 255}/32`, `52.59.${n >> 8}.${n & 255}/32`];
    this.#site.lab.atlas.addControlPlane('aws', region, cidrs);
    this.#ours.push(...cidrs);
  }

  #comeBack(): void {
    const cidr = [...this.#droppedAtMs.keys()].find(text => text.endsWith('/32'));
    if (cidr === undefined) return;
    this.#site.lab.atlas.addControlPlane('aws', region, [cidr]);
    this.#ours.push(cidr);
  }

  #makeOrDelete(): void {
    const { lab, project } = this.#site;
    const old = project.clusters.find(({ name }) => name.startsWith('made-'));
    if (old) {
      lab.atlas.deleteCluster(project.id, old.name);
      return;
    }
    const cluster = lab.atlas.createCluster(project.id, `made-${this.#clusters++}`);
    lab.atlas.provision(cluster, 3);
    lab.atlas.finishCreating(cluster);
  }

  /** All that Atlas lists now. */
  listed(): readonly string[] {
    const { atlas } = this.#site.lab;
    const nodes = this.#site.project.clusters.flatMap(cluster => [
      ...cluster.nodes,
      ...cluster.future,
      ...cluster.outboundOnly,
    ]);
    return [
      ...Object.values(atlas.controlPlane.outbound).flatMap(regions => Object.values(regions).flat()),
      ...nodes,
    ];
  }

  /** What Atlas uses and the gate lets in. */
  letIn(): readonly string[] {
    const { atlas } = this.#site.lab;
    const out = new Set(atlas.lockedOut(this.#site.project.id));
    return atlas.addressesInUse(this.#site.project.id).filter(address => !out.has(address));
  }

  /** @param letIn what was let in before the process was started */
  check(what: string, letIn: ReadonlySet<string>): void {
    const { atlas } = this.#site.lab;
    const entries = this.#site.entries();
    const listed = AddressSet.of(entries);
    for (const foreign of this.#site.foreign)
      assert.ok(entries.includes(parseCidr(foreign)), `${what}: ${foreign} is someone else's, and gone`);
    assert.deepEqual(this.#site.others(), this.#others, what);
    const lost = atlas.lockedOut(this.#site.project.id).filter(address => letIn.has(address));
    assert.deepEqual(lost, [], `${what}: was let in, is used, and is locked out`);
    for (const [text, atMs] of this.#droppedAtMs) {
      const cidr = parseCidr(text, { bare: 'host' });
      const wasLetIn = this.#everListed.has(cidr);
      if (wasLetIn && !listed.covers(cidr)) {
        const ageMs = this.#nowMs() - atMs;
        assert.ok(
          ageMs >= graceMs,
          `${what}: ${cidr} was removed ${Math.round(ageMs / 60_000)} min after it was dropped`,
        );
        this.#droppedAtMs.delete(text);
        this.#everListed.delete(cidr);
      }
    }
    for (const cidr of entries) this.#everListed.add(cidr);
  }

  /** What the list has been seen to hold. */
  readonly #everListed = new Set<string>();

  #nowMs(): number {
    return Date.now() + this.aheadMs;
  }
}
