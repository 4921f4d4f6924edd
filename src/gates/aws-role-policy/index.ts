/**
 * One inline policy of the role in which Atlas calls KMS, as a gate: it allows what Atlas does with the key,
 * from the list. What it will not touch: every other policy of the role, the role itself, and the key. See
 * readme.md.
 */
import type { Cidr } from '../../address/cidr.ts';
import type { Clock } from '../../clock.ts';
import type { Finding } from '../../finding.ts';
import { entriesOf, refuseUnfit, sameEntries, valuesFor } from '../aws/address-list.ts';
import { isAwsError } from '../aws/aws-error.ts';
import { diagnoseRole } from '../aws/diagnose.ts';
import { explain } from '../aws/errors.ts';
import { createIamClient, type IamClient, type Role } from '../aws/iam-client.ts';
import { keyFindings, keyPolicyFindings } from '../aws/key-findings.ts';
import { createKmsClient, type KmsClient } from '../aws/kms-client.ts';
import { PolicyError, parsePolicy } from '../aws/policy-document.ts';
import { isSamePolicy } from '../aws/same-policy.ts';
import type { SessionOptions } from '../aws/session.ts';
import {
  countCharacters,
  notRead,
  principalOf,
  readKeyPolicy,
  readRole,
  readRolePolicies,
} from '../aws/surroundings.ts';
import { write } from '../aws/write.ts';
import { type Gate, GateConflictError, GateError, type GateLimits, type GateState } from '../gate.ts';
import { charactersOf, type OwnPolicy, readOwnPolicy, writeOwnPolicy } from './document.ts';
import { notOursRemedy, revisionOf, stateOf } from './role-state.ts';

export interface AwsRolePolicyOptions extends SessionOptions {
  readonly name: string;
  readonly keyArn: string;
  readonly roleArn: string;
  readonly policyName: string;
}

export type RolePolicyGateOptions = Pick<
  AwsRolePolicyOptions,
  'name' | 'keyArn' | 'roleArn' | 'policyName' | 'clock' | 'random'
>;

/** "The total aggregate policy size of all inline policies per role cannot exceed 10,240 characters" (IAM quotas). */
const maxCharacters = 10_240;
/** IAM gives no bound for when a change is in force everywhere; KMS speaks of several minutes. */
const settleMs = 10 * 60_000;
const whenFull =
  "An aws-key-policy gate holds about three times as many: its statement has what is free of the key policy's 32,768 bytes.";

/** Loads Amazon's SDK. Throws an Error when an ARN is not one. */
export async function createAwsRolePolicyGate(options: AwsRolePolicyOptions): Promise<Gate> {
  const [kms, iam] = await Promise.all([
    createKmsClient(options.keyArn, options),
    createIamClient(options.roleArn, options),
  ]);
  return awsRolePolicyGateOver({ kms, iam }, options);
}

/** The gate over clients of the caller's. */
export function awsRolePolicyGateOver(
  { kms, iam }: { readonly kms: KmsClient; readonly iam: IamClient },
  options: RolePolicyGateOptions,
): Gate {
  return new AwsRolePolicyGate(options, kms, iam);
}

class AwsRolePolicyGate implements Gate {
  readonly kind = 'aws-role-policy';
  readonly name: string;
  readonly id: string;
  readonly key: string;
  readonly limits: GateLimits;
  readonly #options: RolePolicyGateOptions;
  readonly #kms: KmsClient;
  readonly #iam: IamClient;
  readonly #clock: Clock;

  constructor(options: RolePolicyGateOptions, kms: KmsClient, iam: IamClient) {
    const { name, keyArn, roleArn, policyName, clock } = options;
    this.name = name;
    this.key = keyArn.toLowerCase();
    // Names of roles are unique without regard to case, and so are those of a role's inline policies.
    this.id = `aws-role-policy:${roleArn}/${policyName}`.toLowerCase();
    this.limits = {
      families: [4, 6],
      settleMs,
      whenFull,
      measure: entries => ({ used: charactersOf(entries, keyArn), limit: maxCharacters, unit: 'characters' }),
    };
    this.#options = options;
    this.#kms = kms;
    this.#iam = iam;
    this.#clock = clock;
  }

  async read(): Promise<GateState> {
    const role = await this.#readRole();
    return await this.#stateWith(role, await this.#readOwn());
  }

  async write(next: readonly Cidr[], expected: GateState['revision']): Promise<GateState> {
    const { policyName, random } = this.#options;
    const role = await this.#readRole();
    const own = await write<OwnPolicy | undefined>({
      gate: this.name,
      noun: `The inline policy ${policyName}`,
      clock: this.#clock,
      random,
      look: () => this.#readOwn(),
      compose: fresh => this.#compose(fresh, next, expected),
      send: text => this.#iam.putInlinePolicy(policyName, text),
      shows: (shown, text) => shown !== undefined && isSamePolicy(shown.document, parsePolicy(text)),
      explainRefusal: (error, fresh) => this.#explainRefusal(error, fresh),
      describeDifference: shown => ({
        what: shown
          ? `it has ${entriesOf(shown.values).length} entries instead of the ${next.length} that were written.`
          : 'the role has no such policy.',
      }),
    });
    return await this.#stateWith(role, own);
  }

  async diagnose(): Promise<readonly Finding[]> {
    const { roleArn, keyArn, policyName } = this.#options;
    return await diagnoseRole({ iam: this.#iam, kms: this.#kms, roleArn, keyArn, policyName });
  }

  async #readRole(): Promise<Role> {
    return await readRole(this.#iam, this.#options.roleArn, this.name);
  }

  async #readOwn(): Promise<OwnPolicy | undefined> {
    const { policyName, keyArn } = this.#options;
    try {
      const text = await this.#iam.inlinePolicy(policyName);
      return text === undefined ? undefined : readOwnPolicy(text, keyArn);
    } catch (error) {
      const remedy = error instanceof PolicyError ? notOursRemedy : undefined;
      throw explain(this.name, `The role's inline policy ${policyName} cannot be read`, error, remedy);
    }
  }

  async #stateWith(role: Role, own: OwnPolicy | undefined): Promise<GateState> {
    const { policyName, keyArn, roleArn } = this.#options;
    const [others, key, metadata] = await Promise.all([
      readRolePolicies(this.#iam, role, policyName),
      readKeyPolicy(() => this.#kms.getPolicy()),
      this.#kms.describe().then(keyFindings, error => [notRead('The state of the key', error)]),
    ]);
    return stateOf({
      keyArn,
      policyName,
      role: principalOf(roleArn, role),
      own,
      others,
      keyPolicy: key.policy,
      findings: [
        ...metadata,
        ...others.findings,
        ...key.findings,
        ...(key.policy ? keyPolicyFindings(key.policy) : []),
      ],
    });
  }

  /** The policy to send. Throws when it must not be sent. */
  #compose(fresh: OwnPolicy | undefined, next: readonly Cidr[], expected: GateState['revision']): string {
    const { policyName, keyArn } = this.#options;
    if (revisionOf(fresh) !== expected) {
      throw new GateConflictError(
        this.name,
        `The role's inline policy ${policyName} was changed by someone after Postern had read it.`,
      );
    }
    if (fresh?.strange !== undefined) {
      throw new GateError(
        this.name,
        `The role's inline policy ${policyName} holds what Postern did not write: ${fresh.strange}. Nothing was written.`,
        { remedy: notOursRemedy },
      );
    }
    const values = fresh?.values ?? [];
    refuseUnfit(this.name, next, entriesOf(values));
    const text = writeOwnPolicy(valuesFor(values, next), keyArn, fresh?.document);
    const characters = countCharacters(text);
    if (characters > maxCharacters) {
      throw new GateError(
        this.name,
        `The policy would have ${characters} characters; all inline policies of a role together hold ${maxCharacters}. Nothing was written.`,
        { remedy: whenFull },
      );
    }
    const written = readOwnPolicy(text, keyArn);
    if (written.strange !== undefined || !sameEntries(entriesOf(written.values), next)) {
      throw new GateError(this.name, 'The policy to send does not hold the list. Nothing was written.', {
        remedy: 'This is a defect in Postern: please report it.',
      });
    }
    return text;
  }

  #explainRefusal(error: unknown, fresh: OwnPolicy | undefined): GateError {
    const what = fresh
      ? 'AWS refused the write, and nothing was changed'
      : `AWS refused to make the inline policy ${this.#options.policyName}, and nothing was changed`;
    const isFull = isAwsError(error, 'LimitExceeded');
    return explain(
      this.name,
      what,
      error,
      isFull ? `Take other inline policies off the role. ${whenFull}` : undefined,
    );
  }
}
