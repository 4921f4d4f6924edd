import type { FreezeWindow } from './freeze.ts';

/** Whether someone must say yes to each removal. */
export const approvalModes = ['none', 'required'] as const;
export type ApprovalMode = (typeof approvalModes)[number];

/** When a gate may take an address out again (DESIGN.md §3, invariant 4). */
export interface RemovalPolicy {
  /** How long an address stays after the first complete reading that lacks it. */
  readonly graceMs: number;
  /** In how many complete readings, one after another, it must be absent. Never below 2. */
  readonly minReads: number;
  /** Readings closer together than this count as one. */
  readonly minReadGapMs: number;
  /** The most addresses that one run may take out. */
  readonly maxCount: number;
  /** The largest share of the addresses let in by Postern that one run may take out; at least one may always go. */
  readonly maxShare: number;
  /** A feed that lists this share fewer addresses than at its peak of the last `shrinkWindowMs` is not believed. */
  readonly shrinkShare: number;
  readonly shrinkWindowMs: number;
  /** `required`: a removal waits until exactly its addresses are approved (`postern approve`). */
  readonly approval: ApprovalMode;
  /** When nothing is removed, whatever is ripe. */
  readonly freeze: readonly FreezeWindow[];
  /**
   * How long a removal is on probation: the next one waits, and any sign of trouble puts it back.
   * 0 leaves only what Atlas says of the key.
   */
  readonly soakMs: number;
}

const dayMs = 24 * 60 * 60 * 1000;

export const defaultRemovalPolicy: RemovalPolicy = {
  graceMs: 7 * dayMs,
  minReads: 2,
  minReadGapMs: 60_000,
  maxCount: 50,
  maxShare: 0.25,
  shrinkShare: 0.25,
  shrinkWindowMs: 30 * dayMs,
  approval: 'none',
  freeze: [],
  soakMs: 30 * 60_000,
};
