/**
 * What KMS answers. The rules stand in its API reference and Smithy model; a policy is replaced as a whole,
 * without any etag or version.
 */
import { AddressSet } from '../../address/address-set.ts';
import { parseCidr } from '../../address/cidr.ts';
import { AwsError } from './aws-error.ts';
import { directCall } from './direct-call.ts';
import { accountOf } from './directory.ts';
import { type Caller, callingArn, resourceVerdict, type Verdict } from './evaluate.ts';
import type { KmsKey, KmsModel } from './kms-model.ts';
import { malformed, type PolicyDocument } from './policy-document.ts';
import { readNow, type SharedState } from './shared-state.ts';

/** Not adjustable: AWS KMS, resource quotas, "key policy document size". */
const maxPolicyBytes = 32_768;
const pageSize = 50;
/** The other operations are for keys of the caller's own account. */
const acrossAccounts = ['kms:DescribeKey', 'kms:ListGrants'];
const policyPattern = /^[\t\n\r\u0020-\u00ff]+$/;

type Input = Readonly<Record<string, any>>;

export class KmsService {
  readonly #state: SharedState;
  readonly #kms: KmsModel;

  constructor(state: SharedState, kms: KmsModel) {
    this.#state = state;
    this.#kms = kms;
  }

  getKeyPolicy(caller: Caller, region: string, { KeyId, PolicyName }: Input): object {
    const key = this.#authorized(caller, region, 'kms:GetKeyPolicy', KeyId);
    onlyDefault(PolicyName);
    return { Policy: this.#kms.shown(readNow(this.#state, key.policy)), PolicyName: 'default' };
  }

  putKeyPolicy(caller: Caller, region: string, input: Input): void {
    const { KeyId, Policy, PolicyName, BypassPolicyLockoutSafetyCheck = false } = input;
    if (typeof Policy !== 'string' || Policy === '') throw missing('policy');
    if (!policyPattern.test(Policy)) {
      throw invalid(
        'policy',
        'Member must satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+',
      );
    }
    const key = this.#authorized(caller, region, 'kms:PutKeyPolicy', KeyId);
    onlyDefault(PolicyName);
    if (key.state === 'Creating') throw new AwsError('KMSInvalidStateException', `${key.arn} is creating.`);
    if (Buffer.byteLength(Policy) > maxPolicyBytes) {
      throw new AwsError(
        'LimitExceededException',
        `The key policy exceeds the limit of ${maxPolicyBytes} bytes.`,
      );
    }
    const next = this.#kms.stored(Policy);
    if (!BypassPolicyLockoutSafetyCheck && !this.#mayWriteAgain(caller, key, next)) {
      throw malformed('key', 'The new key policy will not allow you to update the key policy in the future.');
    }
    this.#kms.write(key.policy, next);
  }

  describeKey(caller: Caller, region: string, { KeyId }: Input): object {
    const key = this.#authorized(caller, region, 'kms:DescribeKey', KeyId);
    return { KeyMetadata: this.#metadata(key) };
  }

  listKeyPolicies(caller: Caller, region: string, { KeyId }: Input): object {
    this.#authorized(caller, region, 'kms:ListKeyPolicies', KeyId);
    return { PolicyNames: ['default'], Truncated: false };
  }

  listGrants(caller: Caller, region: string, input: Input): object {
    const { KeyId, Marker, Limit = pageSize } = input;
    const { arn, createdMs, grants } = this.#authorized(caller, region, 'kms:ListGrants', KeyId);
    const start = Marker === undefined ? 0 : Number(Marker);
    if (!(start >= 0 && start <= grants.length)) {
      throw new AwsError('InvalidMarkerException', 'Could not deserialize marker.');
    }
    const end = start + Limit;
    return {
      Grants: grants.slice(start, end).map(({ id, granteeArn, operations }) => ({
        KeyId: arn,
        GrantId: id,
        CreationDate: createdMs / 1_000,
        GranteePrincipal: granteeArn,
        IssuingAccount: `arn:aws:iam::${accountOf(arn)}:root`,
        Operations: operations,
      })),
      Truncated: end < grants.length,
      ...(end < grants.length && { NextMarker: String(end) }),
    };
  }

  #authorized(caller: Caller, region: string, action: string, keyId: unknown): KmsKey {
    if (typeof keyId !== 'string' || keyId === '') throw missing('keyId');
    const key = this.#find(caller, region, keyId);
    const reaches = accountOf(key.arn) === caller.account || acrossAccounts.includes(action);
    const verdict = this.#verdict(caller, key.arn, key.policy.newest, action);
    const withheld = verdict === 'to-account' && this.#state.withheld.has(action);
    if (reaches && (verdict === 'allow' || (verdict === 'to-account' && !withheld))) return key;
    const why =
      verdict === 'deny'
        ? 'with an explicit deny in a resource-based policy'
        : `because no ${withheld ? 'identity' : 'resource'}-based policy allows the ${action} action`;
    throw new AwsError(
      'AccessDeniedException',
      `User: ${callingArn(caller)} is not authorized to perform: ${action} on resource: ${key.arn} ${why}`,
    );
  }

  #verdict(caller: Caller, resource: string, policy: PolicyDocument, action: string): Verdict {
    const { callerAddress, facts } = this.#state;
    const asked = AddressSet.of([parseCidr(callerAddress, { bare: 'host' })]);
    const context = directCall(caller.arn, resource, asked, facts);
    return resourceVerdict(policy, { caller, action, resource, context }, 'key');
  }

  #find(caller: Caller, region: string, keyId: string): KmsKey {
    const isArn = keyId.startsWith('arn:');
    const otherRegion = isArn && keyId.split(':')[3] !== region;
    if (otherRegion) throw notFound(`Invalid arn ${keyId.split(':')[3]}`);
    const arn = isArn ? keyId : `arn:aws:kms:${region}:${caller.account}:key/${keyId}`;
    const key = this.#kms.find(arn);
    if (key) return key;
    if (keyId.includes('alias/')) throw notFound(`Alias ${arn.replace(':key/', ':')} is not found.`);
    if (!/:key\/(mrk-)?[0-9a-f-]{32,36}$/.test(arn)) throw notFound(`Invalid keyId ${keyId}`);
    throw notFound(`Key '${arn}' does not exist`);
  }

  /** KMS's safety check: whether the caller keeps the right to write the policy. */
  #mayWriteAgain(caller: Caller, { arn }: KmsKey, policy: PolicyDocument): boolean {
    const { behaviour, withheld } = this.#state;
    const action = 'kms:PutKeyPolicy';
    const judged = behaviour.lockoutCheck === 'with-conditions' ? policy : withoutConditions(policy);
    const verdict = this.#verdict(caller, arn, judged, action);
    return verdict === 'allow' || (verdict === 'to-account' && !withheld.has(action));
  }

  #metadata({ arn, createdMs, manager, state }: KmsKey): object {
    const [, , , , account, resource] = arn.split(':');
    const id = resource!.split('/')[1]!;
    const multiRegion = id.startsWith('mrk-');
    return {
      AWSAccountId: account,
      KeyId: id,
      Arn: arn,
      CreationDate: createdMs / 1_000,
      Enabled: state === 'Enabled',
      Description: '',
      KeyUsage: 'ENCRYPT_DECRYPT',
      KeyState: state,
      Origin: 'AWS_KMS',
      KeyManager: manager,
      CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
      KeySpec: 'SYMMETRIC_DEFAULT',
      EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
      MultiRegion: multiRegion,
      ...(multiRegion && { MultiRegionConfiguration: multiRegionOf(arn, this.#kms.inAllRegions(id)) }),
    };
  }
}

function multiRegionOf(arn: string, keys: readonly KmsKey[]): object {
  const [primary, ...replicas] = keys.map(key => ({ Arn: key.arn, Region: key.arn.split(':')[3]! }));
  return {
    MultiRegionKeyType: primary!.Arn === arn ? 'PRIMARY' : 'REPLICA',
    PrimaryKey: primary,
    ReplicaKeys: replicas,
  };
}

/** As if every condition of an Allow held, and none of a Deny. */
function withoutConditions(policy: PolicyDocument): PolicyDocument {
  const judged = policy.Statement.filter(({ Effect, Condition }) => Effect === 'Allow' || !Condition);
  return { ...policy, Statement: judged.map(({ Condition: _, ...statement }) => statement) };
}

function onlyDefault(policyName: unknown): void {
  if (policyName === undefined || policyName === 'default') return;
  if (!/^\w{1,128}$/.test(String(policyName))) {
    throw invalid('policyName', 'Member must satisfy regular expression pattern: [\\w]+');
  }
  throw notFound('No such policy exists');
}

function notFound(message: string): AwsError {
  return new AwsError('NotFoundException', message);
}

function missing(member: string): AwsError {
  return invalid(member, 'Member must not be null');
}

function invalid(member: string, constraint: string): AwsError {
  return new AwsError(
    'ValidationException',
    `1 validation error detected: Value at '${member}' failed to satisfy constraint: ${constraint}`,
  );
}
