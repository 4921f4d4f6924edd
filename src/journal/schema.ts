/** The journal's tables and their migrations. Portable SQL: SQLite stands behind it now, PostgreSQL may too. */
import type { Generated } from 'kysely';

/** Times are epoch milliseconds; lists are JSON text. */
export interface JournalTables {
  readonly content: { digest: string; json: string };
  readonly observation: {
    id: string;
    feed: string;
    at_ms: number;
    complete: number;
    /** Orders a feed's complete readings: see arrival.ts. */
    arrival: number;
    address_count: number;
    /** What does not repeat from reading to reading: faults and findings. */
    notes: string;
    /** Addresses and sections, stored once however often they are read. */
    content_digest: string;
  };
  readonly ledger: {
    gate_id: string;
    cidr: string;
    provenance: string;
    first_wanted_at_ms: number;
    last_wanted_at_ms: number;
    absent_since_ms: number | null;
    absent_reads: number;
    last_absent_read_at_ms: number | null;
  };
  /** What is the same for all rows of a gate's ledger: see ledger-rows.ts. */
  readonly ledger_reading: {
    gate_id: string;
    last_wanted_at_ms: number;
    /** How often the ledger was saved. */
    saves: number;
  };
  readonly owned: { gate_id: string; cidr: string; how: string; since_ms: number };
  readonly write_record: {
    id: Generated<number>;
    gate_id: string;
    gate_name: string;
    kind: string;
    before: string;
    target: string;
    plan_checksum: string;
    by: string;
    reason: string;
    at_ms: number;
    outcome: string | null;
    after: string | null;
    finished_at_ms: number | null;
    error: string | null;
  };
  readonly plan: { gate_id: string; checksum: string; at_ms: number; json: string };
  readonly coverage: { gate_id: string; at_ms: number; coverage: string; missing: number };
  readonly memo: { key: string; json: string };
  readonly approval: {
    id: Generated<number>;
    gate_id: string;
    gate_name: string;
    cidrs: string;
    plan_checksum: string;
    by: string;
    reason: string;
    at_ms: number;
    expires_at_ms: number;
  };
  readonly gate_lock: {
    gate_id: string;
    token: string;
    pid: number;
    host: string;
    command: string;
    since_ms: number;
    lease_until_ms: number;
    /** Tells a process from a later one with the same pid; empty where the system does not tell. */
    process_identity: string;
  };
}

/** Each is applied once, in order, in one transaction. Never edit one that was released: add another. */
export const migrations: readonly (readonly string[])[] = [
  [
    'create table content (digest text primary key, json text not null)',
    `create table observation (
      id text primary key, feed text not null, at_ms bigint not null, complete integer not null,
      address_count integer not null, notes text not null, content_digest text not null references content (digest))`,
    'create index observation_by_feed on observation (feed, complete, at_ms)',
    `create table ledger (
      gate_id text not null, cidr text not null, provenance text not null,
      first_wanted_at_ms bigint not null, last_wanted_at_ms bigint not null,
      absent_since_ms bigint, absent_reads integer not null, last_absent_read_at_ms bigint,
      primary key (gate_id, cidr))`,
    `create table owned (
      gate_id text not null, cidr text not null, how text not null, since_ms bigint not null,
      primary key (gate_id, cidr))`,
    `create table write_record (
      id integer primary key, gate_id text not null, gate_name text not null, kind text not null,
      before text not null, target text not null, plan_checksum text not null, by text not null,
      reason text not null, at_ms bigint not null, outcome text, after text, finished_at_ms bigint, error text)`,
    'create index write_by_gate on write_record (gate_id, id)',
    'create table plan (gate_id text not null, checksum text not null, at_ms bigint not null, json text not null)',
    'create index plan_by_gate on plan (gate_id, at_ms)',
    `create table gate_lock (
      gate_id text primary key, token text not null, pid integer not null, host text not null,
      command text not null, since_ms bigint not null, lease_until_ms bigint not null,
      process_identity text not null)`,
  ],
  ['create index observation_by_content on observation (content_digest)'],
  [
    `create table coverage (
      gate_id text not null, at_ms bigint not null, coverage text not null, missing integer not null)`,
    'create index coverage_by_gate on coverage (gate_id, at_ms)',
    'create table memo (key text primary key, json text not null)',
  ],
  [
    `create table approval (
      id integer primary key, gate_id text not null, gate_name text not null, cidrs text not null,
      plan_checksum text not null, by text not null, reason text not null,
      at_ms bigint not null, expires_at_ms bigint not null)`,
    'create index approval_by_gate on approval (gate_id, id)',
  ],
  [
    `create table ledger_reading (
      gate_id text primary key, last_wanted_at_ms bigint not null, saves bigint not null)`,
  ],
  [
    'alter table observation add column arrival bigint not null default 0',
    // Of what is there already, the times are all that is known.
    'update observation set arrival = at_ms',
    'create index observation_by_arrival on observation (feed, complete, arrival, at_ms)',
  ],
];
