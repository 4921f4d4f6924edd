/** What nobody has recorded of Azure, or what differs from day to day; a test can have it either way. */
export interface AzureBehaviour {
  /** An ipRule such as 52.0.0.1/24: not documented. */
  readonly hostBits: 'refuse' | 'mask' | 'keep';
  readonly duplicates: 'keep' | 'dedupe' | 'refuse';
  /** Whether a PATCH whose networkAcls lacks virtualNetworkRules keeps or clears them: not documented. */
  readonly omittedVirtualNetworkRules: 'keep' | 'clear';
  /** How a vault without rules is shown: every recorded one has `[]`. */
  readonly emptyIpRules: 'shown' | 'omitted';
  readonly ruleOrder: 'preserved' | 'sorted';
  /** How long a change takes to be in force: 2 to 15 minutes have been reported. */
  readonly propagationMs: number;
  /**
   * When a rule that is taken out stops to let in: with the rest of the write, or `at-once`, as where some of
   * a vault's front ends know of a write already and some do not yet. New rules are late in both.
   */
  readonly removals: 'late' | 'at-once';
  /** How long a write takes, in real milliseconds; a second write meanwhile is refused: ConflictError. */
  readonly writeMs: number;
}

export const defaultBehaviour: AzureBehaviour = {
  hostBits: 'refuse',
  duplicates: 'keep',
  omittedVirtualNetworkRules: 'keep',
  emptyIpRules: 'shown',
  ruleOrder: 'preserved',
  propagationMs: 2 * 60_000,
  removals: 'late',
  writeMs: 0,
};
