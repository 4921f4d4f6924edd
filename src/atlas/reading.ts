/** What the parsers of both feeds share: collecting addresses, sections and faults from one answer. */
import type { Address, FeedId, Provenance } from '../address/address.ts';
import { tryParseCidr } from '../address/cidr.ts';
import { neverWrittenReason } from '../address/classify.ts';
import type { Finding } from '../finding.ts';
import { TransportError } from '../transport/errors.ts';
import { AtlasAnswerError, AtlasError } from './errors.ts';
import type { Observation, ObservationFault, ObservationFaultKind } from './observation.ts';

/** More than Atlas could mean; an answer beyond it is not read on. */
const maxAddresses = 20_000;
const maxSections = 5_000;
/** Enough to see what is wrong with an answer; the rest is counted. */
const maxFaults = 100;

export interface ReadingOptions {
  readonly id: string;
  /** When the answer was had, in epoch milliseconds. */
  readonly atMs: number;
}

/** Collects one answer. `done` makes the observation: complete exactly when no fault was found. */
export class Reading {
  readonly #feed: FeedId;
  readonly #addresses: Address[] = [];
  readonly #faults: ObservationFault[] = [];
  readonly #findings: Finding[] = [];
  readonly #sections = new Map<string, Set<string>>();
  #untoldFaults = 0;
  readonly #changing = new Set<string>();
  #entries = 0;

  constructor(feed: FeedId) {
    this.#feed = feed;
  }

  fault(kind: ObservationFaultKind, place: string, message: string): void {
    if (this.#faults.length >= maxFaults) this.#untoldFaults++;
    else this.#faults.push({ kind, place: shorten(place), message });
  }

  finding(finding: Finding): void {
    this.#findings.push(finding);
  }

  /** Makes a section known, also when it has no address. */
  section(name: string): void {
    if (this.#sections.has(name)) return;
    if (this.#sections.size < maxSections) this.#sections.set(name, new Set());
    else this.fault('malformed', name, `more than ${maxSections} sections in one answer.`);
  }

  /** A cluster whose addresses are about to change. */
  changing(name: string): void {
    this.#changing.add(shorten(name));
  }

  countOf(section: string): number {
    return this.#sections.get(section)?.size ?? 0;
  }

  get sections(): readonly string[] {
    return [...this.#sections.keys()];
  }

  /** Takes a list of addresses of a section. What is not a well-formed, public address is a fault, and left out. */
  list(
    value: unknown,
    place: string,
    section: string,
    provenance: Omit<Provenance, 'feed'>,
    bare: 'refuse' | 'host',
  ): void {
    this.section(section);
    if (!Array.isArray(value)) {
      this.fault('malformed', place, `expected a list of addresses, got ${kindOf(value)}.`);
      return;
    }
    for (const [index, text] of value.entries()) {
      if (++this.#entries > maxAddresses) {
        this.fault(
          'malformed',
          place,
          `more than ${maxAddresses} addresses in one answer; the rest is not read.`,
        );
        return;
      }
      this.#address(text, `${place}[${index}]`, section, provenance, bare);
    }
  }

  #address(
    text: unknown,
    place: string,
    section: string,
    provenance: Omit<Provenance, 'feed'>,
    bare: 'refuse' | 'host',
  ): void {
    if (typeof text !== 'string') {
      this.fault('malformed-address', place, `expected an address, got ${kindOf(text)}.`);
      return;
    }
    const parsed = tryParseCidr(text, { bare });
    if (!parsed.ok) {
      this.fault('malformed-address', place, parsed.error.message);
      return;
    }
    const reason = neverWrittenReason(parsed.cidr);
    if (reason !== undefined) {
      this.fault('never-written-address', place, `${parsed.cidr} is never let in: ${reason}.`);
      return;
    }
    this.#sections.get(section)?.add(parsed.cidr);
    this.#addresses.push({ cidr: parsed.cidr, provenance: { feed: this.#feed, ...provenance } });
  }

  done({ id, atMs }: ReadingOptions): Observation {
    if (this.#untoldFaults > 0) {
      const message = `${this.#untoldFaults} more faults in the same answer are not listed.`;
      this.#faults.push({ kind: 'malformed', place: '$', message });
      this.#untoldFaults = 0;
    }
    return {
      id,
      feed: this.#feed,
      atMs,
      complete: this.#faults.length === 0,
      faults: this.#faults,
      addresses: this.#addresses,
      sections: Object.fromEntries([...this.#sections].map(([name, cidrs]) => [name, cidrs.size])),
      findings: this.#findings,
      ...(this.#changing.size > 0 && { changing: [...this.#changing] }),
    };
  }

  /** Turns a failed request into a fault of this feed. Throws on what is no failure of a request. */
  failed(error: unknown): void {
    if (error instanceof AtlasAnswerError) this.fault(error.kind, error.url, error.message);
    else if (error instanceof AtlasError)
      this.fault('refused', error.url, `${error.message} ${error.remedy}`);
    else if (error instanceof TransportError) {
      this.fault('unreachable', error.url, [error.message, error.remedy].filter(Boolean).join(' '));
    } else throw error;
  }
}

/** What Atlas calls a thing, short enough for a message. */
export function shorten(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Own properties only: an answer's `__proto__` is a key like any other. */
export function fieldOf(value: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
