/** What nobody has recorded of AWS, or what differs from day to day; a test can have it either way. */
export interface AwsBehaviour {
  /** How long a change takes to be in force: "typically less than a few seconds", at times several minutes. */
  readonly propagationMs: number;
  /**
   * When what a write takes away stops to be let in: with the rest of the write, or `at-once`, as where some
   * of the servers know of a write already and some do not yet. What is new is late in both.
   */
  readonly removals: 'late' | 'at-once';
  /** For how long after a write reads may still show what was there before it. */
  readonly readLagMs: number;
  /** Which of the reads in that time do. */
  readonly lateReads: 'all' | 'every-other';
  /** How long a new role or user is unknown to KMS, which then calls it an invalid principal. */
  readonly newPrincipalMs: number;
  /** Whether KMS takes a policy that names the id of a principal that was deleted: not documented. */
  readonly orphanedIds: 'refuse' | 'accept';
  /** How a principal that is a whole account comes back: as the ARN by IAM's guide; no recording shows it of KMS. */
  readonly accountPrincipals: 'arn' | 'id' | 'as-sent';
  /** The order of actions, principals and condition values in a key policy: AWS does not promise one. */
  readonly listOrder: 'preserved' | 'sorted';
  /** Whether a list of one comes back as its one value. */
  readonly listsOfOne: 'keep' | 'unwrap';
  /** Whether the safety check against lock-out looks at conditions, such as the caller's address. */
  readonly lockoutCheck: 'with-conditions' | 'without-conditions';
  /** How far AWS's clock is ahead of this machine's; a signature may be 5 minutes off (IAM and STS: 15). */
  readonly clockAheadMs: number;
}

export const defaultBehaviour: AwsBehaviour = {
  propagationMs: 5_000,
  removals: 'late',
  readLagMs: 0,
  lateReads: 'all',
  newPrincipalMs: 0,
  orphanedIds: 'refuse',
  accountPrincipals: 'arn',
  listOrder: 'preserved',
  listsOfOne: 'keep',
  lockoutCheck: 'with-conditions',
  clockAheadMs: 0,
};
