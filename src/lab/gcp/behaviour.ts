/** What nobody has recorded of Access Context Manager, or what differs; a test can have it either way. */
export interface GcpBehaviour {
  /** 10.0.0.0/8 and its like in `ipSubnetworks`: not documented. */
  readonly privateRanges: 'refuse' | 'keep';
  /** `192.0.2.1` without a prefix length: not documented. `complete` stores `192.0.2.1/32`. */
  readonly bareAddresses: 'refuse' | 'keep' | 'complete';
  /** What a stale etag is answered with: AIP-154 says ABORTED, older services FAILED_PRECONDITION. */
  readonly etagMismatch: 'ABORTED' | 'FAILED_PRECONDITION';
  /** Whether lists come back in another order than they were sent in: magic-modules issues 12119, 10965. */
  readonly listOrder: 'preserved' | 'reordered';
  /** Whether `combiningFunction: AND`, which is the default, is shown. */
  readonly defaults: 'shown' | 'omitted';
  /** Whether a faulty level is refused at once or by its operation. */
  readonly faultyLevels: 'refused' | 'operation-fails';
  /** Permissions of levels asked of a policy, and the like: not documented. */
  readonly permissionsOfOthers: 'answered' | 'refused';
  /** How long until an operation is done, which is when reads show the write. */
  readonly operationMs: number;
  /** How long after that until it is in force: up to 30 minutes, by Google's pages on perimeters. */
  readonly propagationMs: number;
  /** When what is taken out stops to let in: with the rest of the write, or `at-once`. Additions are late in both. */
  readonly removals: 'late' | 'at-once';
  /** Of one organization. https://cloud.google.com/access-context-manager/quotas */
  readonly readsPerMinute: number;
  readonly writesPerMinute: number;
}

export const defaultBehaviour: GcpBehaviour = {
  privateRanges: 'refuse',
  bareAddresses: 'refuse',
  etagMismatch: 'ABORTED',
  listOrder: 'preserved',
  defaults: 'shown',
  faultyLevels: 'refused',
  permissionsOfOthers: 'answered',
  operationMs: 2_000,
  propagationMs: 5 * 60_000,
  removals: 'late',
  readsPerMinute: 500,
  writesPerMinute: 50,
};
