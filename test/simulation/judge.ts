/**
 * The judge stands outside Postern. It asks the models, never Postern, and it follows time exactly: between two
 * events nothing changes, so every span counts whole. What it counts, for each gate:
 *
 * - **locked out**: the time in which at least one address that Atlas really calls the KMS from is not let in,
 *   by what is in force at the cloud at that moment.
 * - **preventable**: the part of it in which one such address is *due*. An address is due one allowance after
 *   the last thing that stood in Postern's way. The allowance is one interval, the longest that one run may
 *   take, and the cloud's propagation time. What stands in the way: Atlas not listing it yet, the project not
 *   being in the config, someone else taking the entry out, a service that cannot be reached, any single fault
 *   that hits a request while the address is not due yet, and a process that is not running. Once due, nothing
 *   excuses. A journal that cannot be used and a wrong clock never excuse. An address that Postern itself took
 *   out while Atlas listed it is due at once.
 * - **unlisted**: the part in which the only addresses locked out are ones that Atlas does not list, or that
 *   belong to a project which the config leaves out. No client of the API can know them.
 * - **exposed**: the time, summed over entries, in which an entry that Postern wrote lets in an address that
 *   nothing wants any more, beyond the grace period and one further day for two readings and settling, and 64 hours
 *   on a gate that is frozen over weekends.
 * - **held**: the same time where a removal waits by design: more is due than the caps let go at once, or the
 *   control plane is so much smaller than within the last weeks that it is not believed (an operator has to look),
 *   or within the last day a fault hit Postern, the journal could not be used, the clock was wrong, or Atlas
 *   called a key invalid; on a gate whose removals wait for someone's approval; and after a clock that was ahead until the times in the journal are past.
 * - **orphaned**: entries that Postern wrote and can no longer know as its own, because its journal was lost.
 *   They are counted, and are not exposure.
 *
 * And each **breach** of an invariant (DESIGN.md §3) by a write that took effect; see `onWrite`.
 */
import type { FeedId } from '../../src/address/address.ts';
import { AddressSet } from '../../src/address/address-set.ts';
import type { Cidr } from '../../src/address/cidr.ts';
import type { AtlasModel } from '../../src/lab/atlas/model.ts';
import type { Answers } from './answers.ts';
import type { CloudWrite, Sender } from './cloud.ts';
import { listedControlPlane, type Site } from './world.ts';

/** No run takes longer when no fault hits it: a dozen requests, each mostly under a second. */
const longestRunMs = 3 * 60_000;
const dayMs = 24 * 60 * 60_000;
/** A removal rests on readings of the last ten minutes, and is a moment on its way. */
const oldestReadingMs = 11 * 60_000;
/** Both an absence and the end of its grace may be noted by a clock that differs by so much, one way and the other. */
const clockToleranceMs = 11 * 60_000;
/** For two readings, and for settling. */
const exposureAllowanceMs = dayMs;
/** From Friday, 16:00, to Monday, 8:00. */
const longestFreezeMs = 64 * 60 * 60_000;
/** What was planned just before a window began, or an approval ended, is written some minutes later. */
const freezeSlackMs = 10 * 60_000;

export interface Verdict {
  lockedOutMs: number;
  preventableMs: number;
  unlistedMs: number;
  exposedMs: number;
  heldMs: number;
  /** How many times a gate began to lock Atlas out. */
  lockOuts: number;
  orphans: number;
  /** Entries of others that were lost in the moment between Postern's last look and its write. */
  racesLost: number;
  writes: number;
  /** Entries of others that a rival's writes took out; Postern's are breaches. */
  foreignLost: number;
  breaches: string[];
}

interface GateCase {
  readonly site: Site;
  /** Entries that Postern wrote or was told to look after, as far as the judge can know. */
  readonly ours: Set<Cidr>;
  /** Listed and not let in: since when, and when it is due. */
  missing: Map<string, { dueMs: number }>;
  /** Since when Atlas lists an address, for as long as it does. */
  listedSince: Map<string, number>;
  unwantedSince: Map<string, number>;
  /** In use and not let in. */
  lockedOut: readonly string[];
  isLockedOut: boolean;
  /** Taken out by Postern while Atlas listed it. */
  readonly condemned: Set<string>;
  /** Since when what Postern wrote is wanted by nothing, entry by entry. */
  stale: readonly { readonly cidr: Cidr; readonly sinceMs: number }[];
  /** How many of them the caps let go at once. */
  mostAtOnce: number;
  /** When the caps, or a control plane that shrank, last held back its removals. */
  heldMs: number;
  /** Added while the disk was full: only the process that did it knows that they are Postern's. */
  readonly unsaved: Set<Cidr>;
  /** When someone else last changed the gate, and how often its list had been read by then. */
  editedAtMs: number;
  editedAtLook: number;
  /** What an operator has approved to be taken out, and until when, by the machine's clock. */
  readonly approved: { readonly cidrs: ReadonlySet<Cidr>; readonly untilMs: number }[];
}

export interface JudgeOptions {
  readonly now: () => number;
  readonly machineNow: () => number;
  readonly atlas: AtlasModel;
  readonly sites: readonly Site[];
  readonly answers: Answers;
  readonly intervalMs: number;
  /** Whether Atlas's answers say when they were made, so that a wrong clock can be told. */
  readonly isDated: boolean;
  /** Whether something else than a service keeps removals waiting: the disk, the clock, a key that is off. */
  isImpeded(): boolean;
  isDiskFull(): boolean;
  onBreach(what: string): void;
  onExposure(what: string): void;
  /** Nothing wants some entries of the gate any more, from now on. */
  onUnwanted(site: Site): void;
}

export class Judge {
  readonly #options: JudgeOptions;
  readonly #cases: GateCase[];
  readonly verdict: Verdict = {
    lockedOutMs: 0,
    preventableMs: 0,
    unlistedMs: 0,
    exposedMs: 0,
    heldMs: 0,
    lockOuts: 0,
    orphans: 0,
    racesLost: 0,
    writes: 0,
    foreignLost: 0,
    breaches: [],
  };
  #isDirty = true;
  #isImpeded = false;
  readonly #sizes: { readonly count: number; untilMs: number }[] = [];
  /** When something last stood in Postern's way. */
  #impededMs = Number.NEGATIVE_INFINITY;
  /** How many things stand in Postern's way for as long as they last. */
  #obstacles = 0;
  /** Who sends the request in hand. */
  sender: Sender = { run: 0, operatorAllows: false };
  /** How many answers there were when the newest run over a gate began, for a process that makes many runs. */
  readonly #begun = new Map<string, number>();

  constructor(options: JudgeOptions) {
    this.#options = options;
    this.#cases = options.sites.map(site => ({
      site,
      ours: new Set(),
      missing: new Map(),
      listedSince: new Map(),
      unwantedSince: new Map(),
      lockedOut: [],
      isLockedOut: false,
      condemned: new Set(),
      stale: [],
      mostAtOnce: 0,
      heldMs: Number.NEGATIVE_INFINITY,
      unsaved: new Set(),
      editedAtMs: Number.NEGATIVE_INFINITY,
      editedAtLook: 0,
      approved: [],
    }));
  }

  /** Something changed: the models are asked again before time moves on. */
  changed(): void {
    this.#isDirty = true;
  }

  /** Something hit Postern at this moment: what is not due yet is due one allowance later. */
  disturb(): void {
    this.#refresh();
    this.impede(this.#now);
    for (const each of this.#cases) this.#postpone(each);
  }

  /** Something stands in Postern's way until the function that is given back is called. */
  obstruct(): () => void {
    this.disturb();
    this.#obstacles++;
    for (const { missing } of this.#cases) {
      for (const entry of missing.values())
        if (entry.dueMs > this.#now) entry.dueMs = Number.POSITIVE_INFINITY;
    }
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#refresh();
      this.#obstacles--;
      if (this.#obstacles > 0) return;
      for (const each of this.#cases) this.#postpone(each);
    };
  }

  /** The clock is right again, after it was not: nobody could note meanwhile that something is not wanted any more. */
  clockIsRight(wrongSinceMs: number): void {
    this.#refresh();
    if (!this.#options.isDated) return;
    for (const { unwantedSince } of this.#cases) {
      for (const [cidr, sinceMs] of unwantedSince)
        if (sinceMs >= wrongSinceMs) unwantedSince.set(cidr, this.#now);
    }
    this.changed();
  }

  /** Removals wait until then, whatever happens: times of a clock that was ahead stand in the journal. */
  impede(untilMs: number): void {
    this.#impededMs = Math.max(this.#impededMs, untilMs);
  }

  /** A process that reads feeds and gates at times of their own begins to work on a gate. */
  runBegins(gate: string, run: number): void {
    this.#begun.set(`${run} ${gate}`, this.#options.answers.count);
  }

  /** An operator is about to approve the removal of exactly these. */
  approves(site: Site, cidrs: readonly Cidr[], untilMs: number): void {
    this.#caseOf(site).approved.push({ cidrs: new Set(cidrs), untilMs });
  }

  breach(what: string): void {
    this.verdict.breaches.push(what);
    this.#options.onBreach(what);
  }

  /** Someone else changed a gate. */
  edited(site: Site): void {
    const gate = this.#caseOf(site);
    gate.editedAtMs = this.#now;
    gate.editedAtLook = site.cloud.looks;
    const present = new Set(site.cloud.entries());
    for (const cidr of gate.ours) if (!present.has(cidr)) gate.ours.delete(cidr);
    site.changed();
    this.changed();
  }

  /** The journal is lost: what Postern wrote looks like someone else's to it. */
  journalLost(): void {
    for (const { ours } of this.#cases) {
      this.verdict.orphans += ours.size;
      ours.clear();
    }
    this.changed();
  }

  /** Postern died: what it had not been able to write down looks like someone else's to the next one. */
  died(): void {
    for (const { ours, unsaved } of this.#cases) {
      for (const cidr of unsaved) if (ours.delete(cidr)) this.verdict.orphans++;
      unsaved.clear();
    }
    this.changed();
  }

  /** The disk takes what is written: nothing of Postern's is unsaved any more. */
  diskIsBack(): void {
    for (const { unsaved } of this.#cases) unsaved.clear();
  }

  /** Time is about to move over a span in which nothing changes. */
  advance(fromMs: number, toMs: number): void {
    if (this.#isDirty) this.#refresh();
    for (const gate of this.#cases) this.#measure(gate, fromMs, toMs);
  }

  /**
   * A write took effect. One that takes the list out of force, as an undoing of the write that put it in force does,
   * shuts nobody out: it may do so, on any policy but `observe`, and change nothing else. Of all others, each of these
   * is a breach: a write on policy `observe`, or one that takes away on
   * `add-only`; an empty list; an entry that covers anything Atlas never listed and nobody pinned; another
   * setting changed; an entry lost that was someone else's; adding and taking away in one write; not letting
   * in all that the newest complete answers of this very run list; taking away an address without two complete
   * answers that lack it, before its grace is over by the true time, or by the machine's own clock where Atlas's answers
   * do not say when they were made, while a feed's answer was not complete, or more than the caps allow.
   */
  onWrite(site: Site, write: CloudWrite): void {
    const gate = this.#caseOf(site);
    this.verdict.writes++;
    for (const breach of this.#breachesOf(gate, write)) {
      this.breach(`${site.name}: ${breach}`);
    }
    // What is put back is in grace again.
    for (const cidr of write.after) {
      if (!write.before.includes(cidr) && gate.unwantedSince.has(cidr))
        gate.unwantedSince.set(cidr, this.#now);
    }
    this.#own(gate, write);
  }

  /** A rival's write took effect: counted are lists made empty or opened to everyone, and others' entries lost. */
  onRivalWrite(site: Site, write: CloudWrite): void {
    const gate = this.#caseOf(site);
    this.verdict.writes++;
    const after = new Set(write.after);
    const lost = write.before.filter(cidr => !after.has(cidr) && !gate.ours.has(cidr));
    this.verdict.foreignLost += lost.length;
    if (after.size === 0) this.verdict.breaches.push('an empty list was written');
    if (AddressSet.of(write.after).covers('0.0.0.0/0' as Cidr))
      this.verdict.breaches.push('opened to everyone');
    this.#own(gate, write);
  }

  #own({ ours, unsaved, site }: GateCase, write: CloudWrite): void {
    const before = new Set(write.before);
    const after = new Set(write.after);
    const gained = write.after.filter(cidr => !before.has(cidr));
    for (const cidr of gained) ours.add(cidr);
    if (this.#options.isDiskFull()) for (const cidr of gained) unsaved.add(cidr);
    for (const cidr of ours) if (!after.has(cidr)) ours.delete(cidr);
    site.changed();
    this.changed();
  }

  *#breachesOf(gate: GateCase, write: CloudWrite): Generator<string> {
    const { site } = gate;
    const { answers } = this.#options;
    if (write.isWithdrawn) {
      if (site.policy === 'observe') yield 'a write on policy observe';
      if (write.settingsBefore !== write.settingsAfter) yield 'another setting was changed';
      return;
    }
    const { run } = write.sender ?? this.sender;
    const before = AddressSet.of(write.before);
    const after = AddressSet.of(write.after);
    const gained = after.difference(before);
    const foreign = this.#foreignLost(gate, write);
    // No list has an ETag: an edit that came after the last look before the write cannot be seen (docs/safety.md).
    const looks = write.looksWhenSent ?? site.cloud.looks;
    const couldBeSeen = looks > gate.editedAtLook && !site.cloud.readsMayBeStale;
    const isRace = foreign.length > 0 && this.#now - gate.editedAtMs < 30_000 && !couldBeSeen;
    if (isRace) this.verdict.racesLost += foreign.length;
    else if (foreign.length > 0) yield `lost entries of others: ${foreign.slice(0, 3).join(', ')}`;
    const lost = before.difference(after).difference(AddressSet.of(isRace ? foreign : []));
    if (site.policy === 'observe') yield 'a write on policy observe';
    if (site.policy === 'add-only' && !lost.isEmpty) yield 'a removal on policy add-only';
    if (write.after.length === 0) yield 'an empty list was written';
    const legitimate = AddressSet.of([...site.everWanted] as Cidr[]);
    const strange = gained.difference(legitimate);
    if (!strange.isEmpty) yield `let in what Atlas never listed: ${strange.toCidrs().slice(0, 3).join(', ')}`;
    if (write.settingsBefore !== write.settingsAfter) yield 'another setting was changed';
    if (!gained.isEmpty && !lost.isEmpty) yield 'added and took away in one write';
    const feeds: FeedId[] = ['control-plane', ...site.projects.map((id): FeedId => `nodes:${id}`)];
    for (const feed of feeds) {
      const heard = answers.heard(feed, run, this.#begun.get(`${run} ${site.name}`));
      const shutOuts = heard.map(listed =>
        [...(listed || [])].filter(address => !after.covers(address as Cidr)),
      );
      const shutOut = shutOuts.at(-1) ?? [];
      if (shutOuts.every(each => each.length > 0) && shutOut.length > 0)
        yield `did not let in ${shutOut.slice(0, 3).join(', ')} of ${feed}`;
    }
    if (!lost.isEmpty) yield* this.#removalBreaches(gate, write, lost, feeds);
  }

  *#removalBreaches(gate: GateCase, write: CloudWrite, lost: AddressSet, feeds: readonly FeedId[]) {
    const { answers, machineNow, isDated } = this.#options;
    const { site } = gate;
    const { run, operatorAllows } = write.sender ?? this.sender;
    for (const feed of feeds) {
      const isRead = answers.isReadSince(feed, run, this.#now - oldestReadingMs);
      if (!isRead) yield `removed while ${feed} was not read completely`;
    }
    const unconfirmed = site.projects.find(id => !answers.confirms(id, run));
    if (unconfirmed !== undefined) yield `removed while Atlas did not call the key of ${unconfirmed} valid`;
    const gone = lost.toCidrs();
    const ofAtlas = gone.filter(cidr => feeds.some(feed => answers.feed(feed).everListed.has(cidr)));
    const isFrozenStill = [0, freezeSlackMs].every(agoMs => isFrozen(site, machineNow() - agoMs));
    if (ofAtlas.length > 0 && isFrozenStill) yield 'removed in a freeze window';
    if (site.removal.approval === 'required') {
      const unapproved = ofAtlas.filter(
        cidr =>
          !gate.approved.some(
            ({ cidrs, untilMs }) => cidrs.has(cidr) && machineNow() <= untilMs + freezeSlackMs,
          ),
      );
      if (unapproved.length > 0) yield `removed ${unapproved[0]}, which nobody approved`;
    }
    for (const cidr of gone) {
      if (gate.listedSince.has(cidr)) gate.condemned.add(cidr);
      for (const feed of feeds) {
        const { everListed, absent } = answers.feed(feed);
        if (!everListed.has(cidr)) continue;
        const absence = absent.get(cidr);
        if (!absence || absence.reads < 2) {
          yield `removed ${cidr}, which ${absence ? 'one answer' : 'no answer'} of ${feed} lacks`;
        } else {
          const graceMs = site.removal.graceMs - (isDated ? clockToleranceMs : 0);
          const goneMs = isDated ? this.#now - absence.trueSinceMs : machineNow() - absence.sinceMs;
          if (goneMs < graceMs) yield `removed ${cidr} ${Math.round(goneMs / 60_000)} min after it was gone`;
        }
      }
    }
    if (gone.length > mostAtOnce(gate, write.before) && !operatorAllows) {
      yield `removed ${gone.length} of ${gate.ours.size} at once (${write.before.length} entries)`;
    }
  }

  #foreignLost({ ours, site }: GateCase, { before, after }: CloudWrite): readonly Cidr[] {
    const present = new Set(after);
    return before.filter(
      cidr => !present.has(cidr) && !ours.has(cidr) && !(site.adopt && site.everWanted.has(cidr)),
    );
  }

  /** Asks the models again. */
  #refresh(): void {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    this.#noteSize();
    this.#isImpeded = this.#options.isImpeded();
    for (const gate of this.#cases) this.#refreshGate(gate);
  }

  #refreshGate(gate: GateCase): void {
    const { atlas } = this.#options;
    const { site } = gate;
    const now = this.#now;
    const listed = site.wanted(atlas);
    const missing: GateCase['missing'] = new Map();
    for (const address of listed) {
      site.everWanted.add(address);
      if (!gate.listedSince.has(address)) gate.listedSince.set(address, now);
      gate.unwantedSince.delete(address);
      if (site.letsIn(address)) {
        gate.condemned.delete(address);
        continue;
      }
      const known = gate.missing.get(address);
      const isCondemned =
        gate.condemned.has(address) && now - gate.listedSince.get(address)! > this.#allowanceMs(site);
      missing.set(address, known ?? { dueMs: isCondemned ? now : this.#dueMs(site) });
    }
    const gone = [...gate.listedSince.keys()].filter(address => !listed.has(address));
    for (const address of gone) {
      gate.listedSince.delete(address);
      gate.unwantedSince.set(address, now);
    }
    if (gone.length > 0) this.#options.onUnwanted(site);
    gate.missing = missing;
    gate.stale = [...gate.ours].flatMap(cidr => {
      const sinceMs = gate.unwantedSince.get(cidr);
      return sinceMs === undefined ? [] : [{ cidr, sinceMs }];
    });
    if (gate.stale.length > 0) gate.mostAtOnce = mostAtOnce(gate);
    gate.lockedOut = site.inUse(atlas).filter(address => !site.letsIn(address));
  }

  #measure(gate: GateCase, fromMs: number, toMs: number): void {
    const { verdict } = this;
    const { site, lockedOut, missing } = gate;
    // Whom it lets in is its owner's own affair; only its breaches count.
    if (site.policy === 'observe') return;
    if (lockedOut.length > 0 && !gate.isLockedOut) verdict.lockOuts++;
    gate.isLockedOut = lockedOut.length > 0;
    if (gate.isLockedOut) {
      verdict.lockedOutMs += toMs - fromMs;
      const known = lockedOut.filter(address => missing.has(address));
      if (known.length === 0) verdict.unlistedMs += toMs - fromMs;
      const dueMs = Math.min(Number.POSITIVE_INFINITY, ...known.map(address => missing.get(address)!.dueMs));
      if (dueMs < toMs) {
        const preventableMs = toMs - Math.max(fromMs, dueMs);
        if (verdict.preventableMs === 0) {
          const first = known.find(address => missing.get(address)!.dueMs === dueMs);
          this.#options.onBreach(`preventable lock-out of ${first} at ${site.name}`);
        }
        verdict.preventableMs += preventableMs;
      }
    }
    if (site.policy === 'sync') this.#measureExposure(gate, fromMs, toMs);
  }

  #measureExposure(gate: GateCase, fromMs: number, toMs: number): void {
    const { verdict } = this;
    const { site } = gate;
    const { graceMs, approval, freeze } = site.removal;
    const freezesMs = freeze.length > 0 ? longestFreezeMs : 0;
    let stale = 0;
    let exposedMs = 0;
    for (const { cidr, sinceMs } of gate.stale) {
      if (fromMs >= sinceMs + graceMs) stale++;
      const allowedMs = sinceMs + graceMs + exposureAllowanceMs + freezesMs;
      if (toMs <= allowedMs) continue;
      exposedMs += toMs - Math.max(fromMs, allowedMs);
      if (fromMs <= allowedMs) this.#options.onExposure(`${site.name} lets in ${cidr} for too long`);
    }
    if (this.#obstacles > 0 || this.#isImpeded) this.impede(toMs);
    if (stale > 0 && (stale > gate.mostAtOnce || this.#hasShrunk())) gate.heldMs = toMs;
    if (exposedMs === 0) return;
    const isHeld =
      approval === 'required' || fromMs < Math.max(this.#impededMs, gate.heldMs) + exposureAllowanceMs;
    if (isHeld) verdict.heldMs += exposedMs;
    else verdict.exposedMs += exposedMs;
  }

  /** Whether the control plane lists so many fewer addresses than within the last weeks that nobody should believe it. */
  #hasShrunk(): boolean {
    const { removal } = this.#cases[0]!.site;
    const listed = this.#sizes.at(-1)?.count ?? 0;
    const peak = Math.max(...this.#sizes.map(({ count }) => count));
    return listed < peak * (1 - removal.shrinkShare);
  }

  /** How large the control plane was, and until when, within the window that a shrinking is judged by. */
  #noteSize(): void {
    const { atlas } = this.#options;
    const last = this.#sizes.at(-1);
    if (last) last.untilMs = this.#now;
    const oldestMs = this.#now - this.#cases[0]!.site.removal.shrinkWindowMs;
    while (this.#sizes.length > 1 && this.#sizes[0]!.untilMs < oldestMs) this.#sizes.shift();
    this.#sizes.push({ count: new Set(listedControlPlane(atlas)).size, untilMs: this.#now });
  }

  #postpone({ site, missing }: GateCase): void {
    const dueMs = this.#dueMs(site);
    for (const entry of missing.values()) if (entry.dueMs > this.#now) entry.dueMs = dueMs;
  }

  #dueMs(site: Site): number {
    return this.#obstacles > 0 ? Number.POSITIVE_INFINITY : this.#now + this.#allowanceMs(site);
  }

  #allowanceMs(site: Site): number {
    return this.#options.intervalMs + longestRunMs + site.cloud.propagationMs;
  }

  #caseOf(site: Site): GateCase {
    return this.#cases.find(each => each.site === site)!;
  }

  get #now(): number {
    return this.#options.now();
  }
}

/** By the weekend of the worlds, in UTC. */
function isFrozen({ removal }: Site, machineMs: number): boolean {
  if (removal.freeze.length === 0) return false;
  // The epoch began on a Thursday; weeks here begin on Monday.
  const minute = (machineMs / 60_000 + 3 * 24 * 60) % (7 * 24 * 60);
  return minute < 8 * 60 || minute >= (4 * 24 + 16) * 60;
}

/** How many addresses one run may take out without an operator. */
function mostAtOnce({ ours, site }: GateCase, before: readonly Cidr[] = site.cloud.entries()): number {
  const { maxCount, maxShare } = site.removal;
  // What is adopted is Postern's as well, also after a lost journal.
  const adopted = site.adopt ? before.filter(cidr => !ours.has(cidr) && site.everWanted.has(cidr)) : [];
  return Math.min(maxCount, Math.max(1, Math.floor((ours.size + adopted.length) * maxShare)));
}
