/**
 * KMS, as far as keys and their policies go. The rules stand in its API reference and Smithy model; a policy is
 * replaced as a whole, without any etag or version.
 */
import { AddressSet } from '../../address/address-set.ts';
import { parseCidr } from '../../address/cidr.ts';
import { AwsError } from './aws-error.ts';
import type { Context } from './conditions.ts';
import { accountOf, type Entity } from './directory.ts';
import { type Caller, resourceVerdict } from './evaluate.ts';
import { malformed, type PolicyDocument, parsePolicy } from './policy-document.ts';
import { writePolicy } from './policy-text.ts';
import { readNow, type SharedState } from './shared-state.ts';
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

/** Not adjustable: AWS KMS, resource quotas, "key policy document size". */
const maxPolicyBytes = 32_768;
const pageSize = 50;
const policyPattern = /^[\t\n\r\u0020-\u00ff]+$/;

export class KmsModel {
  readonly #state: SharedState;
  readonly #keys = new Map<string, KmsKey>();

  constructor(state: SharedState) {
    this.#state = state;
  }

  addKey({ arn, policy, manager = 'CUSTOMER' }: NewKey): KmsKey {
    this.#state.directory.addAccount(accountOf(arn));
    const key: KmsKey = {
      arn,
      createdMs: this.#state.clock.now(),
      manager,
      policy: new Timeline(this.#stored(JSON.stringify(policy))),
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
    return this.#shown(this.key(arn).policy.newest);
  }

  /** Someone else writes the key's policy, with Terraform say; unsafe policies too. */
  edit(arn: string, change: (policy: any) => object): void {
    const { policy } = this.key(arn);
    this.#write(policy, this.#stored(JSON.stringify(change(JSON.parse(this.#shown(policy.newest))))));
  }

  getKeyPolicy(caller: Entity, region: string, { KeyId, PolicyName }: Record<string, any>): object {
    const key = this.#authorized(caller, region, 'kms:GetKeyPolicy', KeyId);
    onlyDefault(PolicyName);
    return { Policy: this.#shown(readNow(this.#state, key.policy)), PolicyName: 'default' };
  }

  putKeyPolicy(caller: Entity, region: string, input: Record<string, any>): void {
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
    const next = this.#stored(Policy);
    if (!BypassPolicyLockoutSafetyCheck && !this.#mayWriteAgain(caller, key, next)) {
      throw malformed('key', 'The new key policy will not allow you to update the key policy in the future.');
    }
    this.#write(key.policy, next);
  }

  describeKey(caller: Entity, region: string, { KeyId }: Record<string, any>): object {
    const key = this.#authorized(caller, region, 'kms:DescribeKey', KeyId);
    return { KeyMetadata: this.#metadata(key) };
  }

  listKeyPolicies(caller: Entity, region: string, { KeyId }: Record<string, any>): object {
    this.#authorized(caller, region, 'kms:ListKeyPolicies', KeyId);
    return { PolicyNames: ['default'], Truncated: false };
  }

  listGrants(caller: Entity, region: string, input: Record<string, any>): object {
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
        Name: '',
        CreationDate: createdMs / 1_000,
        GranteePrincipal: granteeArn,
        IssuingAccount: `arn:aws:iam::${accountOf(arn)}:root`,
        Operations: operations,
      })),
      Truncated: end < grants.length,
      ...(end < grants.length && { NextMarker: String(end) }),
    };
  }

  #write(timeline: Timeline<PolicyDocument>, next: PolicyDocument): void {
    timeline.write(next, this.#state.clock.now(), this.#state.behaviour);
  }

  #shown(document: PolicyDocument): string {
    const { directory, behaviour } = this.#state;
    return writePolicy(directory.shown(document, behaviour), behaviour);
  }

  #stored(text: string): PolicyDocument {
    const { directory, behaviour } = this.#state;
    const stored = directory.stored(parsePolicy(text, 'key'), behaviour);
    if (stored) return stored;
    throw malformed('key', 'Policy contains a statement with one or more invalid principals.');
  }

  #authorized(caller: Entity, region: string, action: string, keyId: unknown): KmsKey {
    if (typeof keyId !== 'string' || keyId === '') throw missing('keyId');
    const key = this.#find(caller, region, keyId);
    const withheld = this.#state.withheld.has(action);
    // Nobody may write the policy of a key that AWS manages: its policy grants that to no one.
    const notOurs = key.manager === 'AWS' && action === 'kms:PutKeyPolicy';
    // PutKeyPolicy does not reach into another account.
    const elsewhere = accountOf(key.arn) !== accountOf(caller.arn);
    if (!withheld && !notOurs && !elsewhere) return key;
    const kind = withheld ? 'identity' : 'resource';
    throw new AwsError(
      'AccessDeniedException',
      `User: ${caller.arn} is not authorized to perform: ${action} on resource: ${key.arn} because no ${kind}-based policy allows the ${action} action`,
    );
  }

  #find(caller: Entity, region: string, keyId: string): KmsKey {
    const isArn = keyId.startsWith('arn:');
    if (isArn && keyId.split(':')[3] !== region) throw notFound(`Invalid arn ${region}`);
    const arn = isArn ? keyId : `arn:aws:kms:${region}:${accountOf(caller.arn)}:key/${keyId}`;
    const key = this.#keys.get(arn);
    if (key) return key;
    if (keyId.includes('alias/')) throw notFound(`Alias ${arn.replace(':key/', ':')} is not found.`);
    if (!/:key\/(mrk-)?[0-9a-f-]{32,36}$/.test(arn)) throw notFound(`Invalid keyId ${keyId}`);
    throw notFound(`Key '${arn}' does not exist`);
  }

  /** KMS's safety check: whether the caller keeps the right to write the policy. */
  #mayWriteAgain(caller: Entity, { arn }: KmsKey, policy: PolicyDocument): boolean {
    const { behaviour, callerAddress, withheld } = this.#state;
    const asked = AddressSet.of([parseCidr(callerAddress, { bare: 'host' })]);
    const action = 'kms:PutKeyPolicy';
    const judged = behaviour.lockoutCheck === 'with-conditions' ? policy : withoutConditions(policy);
    const verdict = resourceVerdict(
      judged,
      { caller: callerOf(caller), action, resource: arn, context: directCall(caller.arn, arn, asked) },
      'key',
    );
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
      ...(multiRegion && { MultiRegionConfiguration: this.#replicas(arn, id) }),
    };
  }

  /** The first that was made is the primary key. */
  #replicas(arn: string, id: string): object {
    const all = [...this.#keys.keys()].filter(other => other.endsWith(`:key/${id}`));
    const [primary, ...replicas] = all.map(Arn => ({ Arn, Region: Arn.split(':')[3]! }));
    return {
      MultiRegionKeyType: primary!.Arn === arn ? 'PRIMARY' : 'REPLICA',
      PrimaryKey: primary,
      ReplicaKeys: replicas,
    };
  }
}

/** As if every condition of an Allow held, and none of a Deny. */
function withoutConditions(policy: PolicyDocument): PolicyDocument {
  const judged = policy.Statement.filter(({ Effect, Condition }) => Effect === 'Allow' || !Condition);
  return { ...policy, Statement: judged.map(({ Condition: _, ...statement }) => statement) };
}

export function callerOf({ arn, id }: Entity): Caller {
  return { arn, id, account: accountOf(arn) };
}

/** Never there in a call that comes straight over the public network. */
const absent = new Set([
  'aws:calledvia',
  'aws:calledviafirst',
  'aws:calledvialast',
  'aws:sourceaccount',
  'aws:sourcearn',
  'aws:sourcevpc',
  'aws:sourcevpce',
  'aws:vpcsourceip',
  'kms:grantisforawsresource',
  'kms:viaservice',
]);

/** What is known of a call that someone makes to a key's own region from the public network. */
export function directCall(callerArn: string, keyArn: string, addresses: AddressSet): Context {
  const account = accountOf(callerArn);
  const known: Readonly<Record<string, readonly string[] | AddressSet>> = {
    'aws:principalaccount': [account],
    'aws:principalarn': [callerArn],
    'aws:principalisawsservice': ['false'],
    'aws:requestedregion': [keyArn.split(':')[3]!],
    'aws:resourceaccount': [accountOf(keyArn)],
    'aws:securetransport': ['true'],
    'aws:sourceip': addresses,
    'aws:viaawsservice': ['false'],
    'kms:calleraccount': [account],
  };
  return key => {
    if (absent.has(key) || key.startsWith('aws:principaltag/')) return undefined;
    const value = known[key];
    if (value === undefined) throw new Error(`the lab does not know the condition key ${key}`);
    return value;
  };
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
