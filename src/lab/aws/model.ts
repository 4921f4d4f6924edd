/**
 * AWS, as far as a key and who may use it go: KMS, IAM, and what both together decide. Where nobody has
 * recorded what AWS does, `AwsBehaviour` lets a test have it either way.
 */
import { AddressSet } from '../../address/address-set.ts';
import { parseCidr } from '../../address/cidr.ts';
import type { Clock } from '../../clock.ts';
import { type AwsBehaviour, defaultBehaviour } from './behaviour.ts';
import { directCall } from './direct-call.ts';
import { accountOf, Directory } from './directory.ts';
import {
  type Caller,
  callerOf,
  identityVerdict,
  piecesOf,
  type Question,
  resourceVerdict,
  type Verdict,
} from './evaluate.ts';
import { IamModel, type Role } from './iam-model.ts';
import { KmsModel } from './kms-model.ts';
import type { PolicyDocument } from './policy-document.ts';
import type { SharedState } from './shared-state.ts';

export { AwsError } from './aws-error.ts';
export { type AwsBehaviour, defaultBehaviour } from './behaviour.ts';

/** All that Atlas calls: its documentation, "Customer Key Management with AWS KMS". */
const atlasActions = ['kms:Encrypt', 'kms:Decrypt', 'kms:DescribeKey'] as const;
/** Atlas's own account, and how it names its sessions; the name is the lab's. */
export const atlasAccountId = '536727724300';
const atlasSession = 'mongodb-atlas';

export class AwsModel implements SharedState {
  readonly clock: Clock;
  readonly directory: Directory;
  readonly kms: KmsModel;
  readonly iam: IamModel;
  readonly withheld = new Set<string>();
  readonly facts = new Map<string, readonly string[]>();
  behaviour: AwsBehaviour;
  callerAddress = '198.17.0.10';
  staleReads = 0;
  /** What Atlas sends as `sts:ExternalId`, by the ARN of the role. */
  readonly externalIds = new Map<string, string>();

  constructor(clock: Clock, behaviour: Partial<AwsBehaviour> = {}) {
    this.clock = clock;
    this.behaviour = { ...defaultBehaviour, ...behaviour };
    this.directory = new Directory(clock);
    this.directory.addAccount(atlasAccountId);
    this.kms = new KmsModel(this);
    this.iam = new IamModel(this);
  }

  /**
   * Whether Atlas, in the role that it assumes, may Encrypt, Decrypt and DescribeKey from this address or whole
   * block, by what is in force now. Throws on a condition that the lab does not know.
   */
  letsIn(
    { keyArn, roleArn }: { readonly keyArn: string; readonly roleArn: string },
    address: string,
  ): boolean {
    const key = this.kms.key(keyArn);
    const role = this.iam.findRole(roleArn);
    if (!role || key.state !== 'Enabled' || !this.#atlasMayAssume(role)) return false;
    const asked = AddressSet.of([parseCidr(address, { bare: 'host' })]);
    const granted = key.grants.filter(({ granteeArn }) => granteeArn === roleArn).flatMap(g => g.operations);
    const caller = callerOf(role.entity, atlasSession);
    const keyPolicies = key.policy.inForce(this.clock.now(), this.behaviour);
    return keyPolicies.every(keyPolicy =>
      this.iam.documentsInForce(role).every(own =>
        piecesOf(asked, [keyPolicy, ...own]).every(piece =>
          atlasActions.every(action => {
            const context = directCall(roleArn, keyArn, piece, this.facts);
            const question = { caller, action, resource: keyArn, context };
            const fence = this.iam.boundaryOf(role);
            if (fence && identityVerdict([fence], question) !== 'allow') return false;
            return allows(keyPolicy, own, question, granted.includes(action.slice('kms:'.length)));
          }),
        ),
      ),
    );
  }

  /** What a role's trust policy says to someone who would assume it. */
  trustVerdict({ entity, trust }: Role, caller: Caller, externalId: string | undefined): Verdict {
    return resourceVerdict(
      trust.document,
      {
        caller,
        action: 'sts:AssumeRole',
        resource: entity.arn,
        context: key => {
          if (key === 'sts:externalid') return externalId === undefined ? undefined : [externalId];
          throw new Error(`the lab does not know the condition key ${key} in a trust policy`);
        },
      },
      'trust',
    );
  }

  #atlasMayAssume(role: Role): boolean {
    const arn = `arn:aws:iam::${atlasAccountId}:root`;
    const externalId = this.externalIds.get(role.entity.arn);
    const verdict = this.trustVerdict(role, callerOf({ arn, id: arn }), externalId);
    return verdict === 'allow' || verdict === 'to-account';
  }
}

/** Explicit deny wins; within an account either side can allow, across accounts both must. */
function allows(
  keyPolicy: PolicyDocument,
  own: readonly PolicyDocument[],
  question: Question,
  granted: boolean,
): boolean {
  const byKey = resourceVerdict(keyPolicy, question, 'key');
  const byRole = identityVerdict(own, question);
  if (byKey === 'deny' || byRole === 'deny') return false;
  if (granted) return true;
  const sameAccount = accountOf(question.resource) === question.caller.account;
  if (byKey === 'allow' && sameAccount) return true;
  return byKey !== 'none' && byRole === 'allow';
}
