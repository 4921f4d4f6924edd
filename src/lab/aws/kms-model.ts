/** KMS's keys and their policies, as they are stored and as they are shown. */
import { accountOf } from './directory.ts';
import { malformed, type PolicyDocument, parsePolicy } from './policy-document.ts';
import { writePolicy } from './policy-text.ts';
import type { SharedState } from './shared-state.ts';
import { Timeline } from './timeline.ts';

export type KeyState = 'Creating' | 'Enabled' | 'Disabled' | 'PendingDeletion';

export interface Grant {
  readonly id: string;
  readonly granteeArn: string;
  readonly operations: readonly string[];
}

export interface KmsKey {
  readonly arn: string;
  readonly createdMs: number;
  readonly manager: 'CUSTOMER' | 'AWS';
  readonly policy: Timeline<PolicyDocument>;
  readonly grants: Grant[];
  state: KeyState;
}

export interface NewKey {
  readonly arn: string;
  readonly policy: object;
  readonly manager?: 'CUSTOMER' | 'AWS';
}

export class KmsModel {
  readonly #state: SharedState;
  readonly #keys = new Map<string, KmsKey>();

  constructor(state: SharedState) {
    this.#state = state;
  }

  addKey({ arn, policy, manager = 'CUSTOMER' }: NewKey): KmsKey {
    this.#state.directory.addAccount(accountOf(arn));
    // It stands for a key that has been there for long.
    const settled = { ...this.#state.behaviour, newPrincipalMs: 0 };
    const key: KmsKey = {
      arn,
      createdMs: this.#state.clock.now(),
      manager,
      policy: new Timeline(this.stored(JSON.stringify(policy), settled)),
      grants: [],
      state: 'Enabled',
    };
    this.#keys.set(arn, key);
    return key;
  }

  /** The key itself. Throws when there is none. */
  key(arn: string): KmsKey {
    const key = this.#keys.get(arn);
    if (!key) throw new Error(`no key ${arn}`);
    return key;
  }

  /** The newest policy, as KMS would show it. */
  policyText(arn: string): string {
    return this.shown(this.key(arn).policy.newest);
  }

  /** Someone else writes the key's policy, with Terraform say; unsafe policies too. */
  edit(arn: string, change: (policy: any) => object): void {
    const { policy } = this.key(arn);
    const next = JSON.stringify(change(JSON.parse(this.shown(policy.newest))));
    this.write(policy, this.stored(next, { ...this.#state.behaviour, orphanedIds: 'accept' }));
  }

  find(arn: string): KmsKey | undefined {
    return this.#keys.get(arn);
  }

  /** The same key in every Region that has it; the first that was made is the primary. */
  inAllRegions(id: string): readonly KmsKey[] {
    return [...this.#keys.values()].filter(({ arn }) => arn.endsWith(`:key/${id}`));
  }

  write(timeline: Timeline<PolicyDocument>, next: PolicyDocument): void {
    timeline.write(next, this.#state.clock.now(), this.#state.behaviour);
  }

  /** A stored policy as KMS gives it back. */
  shown(document: PolicyDocument): string {
    const { directory, behaviour } = this.#state;
    return writePolicy(directory.shown(document, behaviour), behaviour);
  }

  /** What a policy's text is stored as. Throws an AwsError when KMS refuses it. */
  stored(text: string, behaviour = this.#state.behaviour): PolicyDocument {
    const stored = this.#state.directory.stored(parsePolicy(text, 'key'), behaviour);
    if (stored) return stored;
    throw malformed('key', 'Policy contains a statement with one or more invalid principals.');
  }
}
