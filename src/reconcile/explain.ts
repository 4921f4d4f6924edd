/** Who needs an address, since when, and which gates let it in: what `postern explain` answers. */

import type { Provenance } from '../address/address.ts';
import { AddressSet } from '../address/address-set.ts';
import type { Cidr } from '../address/cidr.ts';
import type { Lets } from '../gates/gate.ts';
import type { LedgerRow, OwnedEntry } from '../journal/journal.ts';
import type { FeedReading } from '../plan/input.ts';
import { wantedOfGate } from '../plan/wanted.ts';
import { readGate } from './read-gate.ts';
import type { Run } from './run.ts';

export interface GateExplanation {
  readonly gate: string;
  readonly lets: Lets;
  /** Whether the gate lets the whole block in as it stands; undefined when that cannot be told. */
  readonly letIn: boolean | undefined;
  /** The entries of the list that let it in, in whole or in part. */
  readonly entries: readonly {
    readonly cidr: Cidr;
    readonly owner: 'postern' | 'foreign';
    readonly sinceMs?: number;
  }[];
  /** Whom it is wanted by at present. */
  readonly wantedBy: readonly Provenance[];
  readonly pinned: boolean;
  /** What the journal remembers of it. */
  readonly ledger: readonly LedgerRow[];
  /** Feeds that could not be read completely: `wantedBy` may lack something. */
  readonly incomplete: readonly string[];
}

/** Explains one address or block with respect to one gate. Throws a `GateError` when the gate cannot be read. */
export async function explainAddress(run: Run, cidr: Cidr): Promise<GateExplanation> {
  const [state, feeds] = await Promise.all([readGate(run), run.readFeeds()]);
  const owned = (await run.journal.attempt(journal => journal.owned(run.gate.id))) ?? [];
  const ledger = (await run.journal.attempt(journal => journal.ledger(run.gate.id))) ?? [];
  const asked = AddressSet.of([cidr]);
  const listed = AddressSet.of(state.entries).covers(cidr);
  return {
    gate: run.gate.name,
    lets: state.lets,
    letIn: letIn(state.lets, listed),
    entries: state.entries.filter(entry => asked.overlaps(entry)).map(entry => describe(entry, owned)),
    wantedBy: wantedOfGate(feeds, [])
      .filter(address => asked.overlaps(address.cidr))
      .map(({ provenance }) => provenance),
    pinned: run.settings.pinned.some(pin => asked.overlaps(pin)),
    ledger: ledger.filter(row => asked.overlaps(row.cidr)),
    incomplete: feeds.filter(({ newest }: FeedReading) => !newest.complete).map(({ feed }) => feed),
  };
}

function letIn(lets: Lets, listed: boolean): boolean | undefined {
  if (lets === 'listed') return listed;
  return lets === 'unknown' ? undefined : lets === 'everyone';
}

function describe(cidr: Cidr, owned: readonly OwnedEntry[]): GateExplanation['entries'][number] {
  const entry = owned.find(each => each.cidr === cidr);
  return entry ? { cidr, owner: 'postern', sinceMs: entry.sinceMs } : { cidr, owner: 'foreign' };
}
