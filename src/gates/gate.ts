/**
 * A gate: one access list in one cloud. A new kind of gate is one folder beside this file, registered in
 * one line of `index.ts`. Gates know their cloud and addresses; they know neither Atlas nor the journal.
 */
import type { Cidr, Family } from '../address/cidr.ts';
import type { Finding } from '../finding.ts';

export const gateKinds = [
  'aws-role-policy',
  'aws-key-policy',
  'azure-key-vault',
  'gcp-access-level',
] as const;
export type GateKind = (typeof gateKinds)[number];

/** Opaque: equal revisions mean that the gate's list has not been changed in between. */
export type Revision = string & { readonly __brand: 'Revision' };

export interface GateUsage {
  readonly used: number;
  readonly limit: number;
  readonly unit: 'entries' | 'characters' | 'bytes';
}

export interface GateLimits {
  readonly families: readonly Family[];
  /** How much of the limit a list would take. Pure. A list fits when `used <= limit`. */
  measure(entries: readonly Cidr[]): GateUsage;
  /** How long a write may take to be in force everywhere, in milliseconds; removals wait it out. */
  readonly settleMs: number;
  /** One sentence: what else can be done when the list does not fit, where this kind of gate knows something. */
  readonly whenFull?: string;
}

/**
 * Whom the gate lets in as it stands: those `listed`, or, whatever the list holds, `everyone` or `nobody`;
 * `unknown` when something that Postern does not read decides. The list is in force only in the first case.
 */
export const lets = ['listed', 'everyone', 'nobody', 'unknown'] as const;
export type Lets = (typeof lets)[number];

/** Whether every address that Atlas uses is let in. */
export const coverages = ['let-in', 'locked-out', 'cannot-tell'] as const;
export type Coverage = (typeof coverages)[number];

/** What decides about an address beside the list, such as another statement of the same policy. */
export const decisions = ['let-in', 'shut-out', 'unknown'] as const;
export type Decision = (typeof decisions)[number];

export interface GateState {
  /** Every entry of the list, ours or not, in canonical form and in the gate's own order, no duplicates. */
  readonly entries: readonly Cidr[];
  readonly revision: Revision;
  /** Listed as well, and letting nobody in as the gate stands; a write makes entries of them again. */
  readonly idle?: readonly Cidr[];
  readonly lets: Lets;
  readonly findings: readonly Finding[];
  /**
   * The list is not in force yet, and the next write puts it in force: whoever is not in it loses access. So
   * that write is no mere addition: it waits until everything wanted is known and can be written, stands only
   * when Atlas confirms it, and is undone by `withdraw`.
   */
  readonly nextWriteShutsOut?: true;
  /**
   * Why the gate would refuse any write as it stands, such as a statement by our name that is not ours, and what
   * to do: two sentences. So a plan does not promise what `write` would throw.
   */
  readonly obstacle?: { readonly message: string; readonly remedy: string };
  /** How much of the limit is taken by what is no entry of the list: other policies of the same role, say. */
  readonly takenElsewhere?: number;
  /**
   * What becomes of a call from a listed address, where more than the list has a say. Absent: the list alone
   * decides. `shut-out` and `unknown` are never taken for let in. Pure.
   */
  decide?(cidr: Cidr): Decision;
  /** Who changed the gate last and when, where the cloud tells. */
  readonly lastChange?: { readonly at?: string; readonly by?: string };
}

export interface Gate {
  readonly kind: GateKind;
  /** The operator's name for it, from the config. */
  readonly name: string;
  /** The same list always has the same id, whatever it is called in a config; lower case. */
  readonly id: string;
  /**
   * The one key, or the vault of keys, behind this gate, as Atlas's `encryptionAtRest` names it; lower case.
   * Undefined where the gate stands before many.
   */
  readonly key: string | undefined;
  readonly limits: GateLimits;
  /** Throws a `GateError`. */
  read(): Promise<GateState>;
  /**
   * Makes `next` the whole list: reads afresh, compares with `expected`, writes once, waits, reads back.
   * Entries that the gate could not parse when it read them are carried over as they are.
   * Throws `GateConflictError` when the list is not at `expected` any more (nothing was written), and
   * `GateUnverifiedError` when a write may have happened but what was read back is not `next`.
   */
  write(next: readonly Cidr[], expected: Revision): Promise<GateState>;
  /**
   * Takes the list out of force, entries and all, and leaves everything else as it is: the undoing of a write that
   * put it in force. There wherever a state can say `nextWriteShutsOut`. Reads afresh, compares with `expected`,
   * writes once, waits, reads back, and throws as `write` does.
   */
  withdraw?(expected: Revision): Promise<GateState>;
  /**
   * What `postern doctor` asks, and `read` does not: rights that are lacking, say. Sends requests of its own,
   * none of which can write. What cannot be found out is a finding too; it does not throw.
   */
  diagnose(): Promise<readonly Finding[]>;
}

/** What every gate throws: which gate, what happened, what it means, what to do. */
export class GateError extends Error {
  override readonly name: string = 'GateError';
  readonly gate: string;
  /** The cloud's own error code, such as `Forbidden` or `ConflictError`, where there is one. */
  readonly code: string | undefined;
  readonly remedy: string | undefined;

  constructor(
    gate: string,
    message: string,
    options: { code?: string; remedy?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.gate = gate;
    this.code = options.code;
    this.remedy = options.remedy;
  }
}

/** Someone else changed the list between our read and our write. Nothing was written. */
export class GateConflictError extends GateError {
  override readonly name = 'GateConflictError';
}

/** A write was sent, and what the gate holds afterwards is not what was sent, or could not be read. */
export class GateUnverifiedError extends GateError {
  override readonly name = 'GateUnverifiedError';
  /** What was read back; undefined when nothing could be read. */
  readonly state: GateState | undefined;

  constructor(
    gate: string,
    message: string,
    options: { code?: string; remedy?: string; cause?: unknown; state?: GateState } = {},
  ) {
    super(gate, message, options);
    this.state = options.state;
  }
}

/** What Terraform must be told, where it manages the same list: the `ignore_changes` of each kind's resource. */
export const terraformIgnores: Readonly<Record<GateKind, string>> = {
  'aws-role-policy':
    'do not declare the inline policy that Postern writes (an `aws_iam_role` with `inline_policy` blocks, or `aws_iam_role_policies_exclusive`, takes it out)',
  'aws-key-policy': '`lifecycle { ignore_changes = [policy] }` on the `aws_kms_key` or `aws_kms_key_policy`',
  'azure-key-vault': '`lifecycle { ignore_changes = [network_acls[0].ip_rules] }`',
  'gcp-access-level':
    '`lifecycle { ignore_changes = [basic] }` on the `google_access_context_manager_access_level` (the whole block: where `combining_function` is not given it is set to AND, which lets in nobody)',
};

/** One sentence for a list that someone keeps changing. */
export function leaveTheListAlone(kind: GateKind): string {
  return `If Terraform manages the same list, have it leave the list alone: ${terraformIgnores[kind]}.`;
}
