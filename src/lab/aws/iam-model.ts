/** IAM, as far as a role and its policies go. The rules stand in its API reference, quotas page and Smithy model. */
import { AddressSet } from '../../address/address-set.ts';
import { parseCidr } from '../../address/cidr.ts';
import { AwsError } from './aws-error.ts';
import type { Context } from './conditions.ts';
import { accountOf, type Entity } from './directory.ts';
import { identityVerdict } from './evaluate.ts';
import { listOf, malformed, type PolicyDocument, parsePolicy } from './policy-document.ts';
import { readNow, type SharedState } from './shared-state.ts';
import { Timeline } from './timeline.ts';

/** IAM gives a policy back as it was sent, so its text is kept. */
export interface StoredPolicy {
  readonly text: string;
  readonly document: PolicyDocument;
}

export interface Role {
  readonly entity: Entity;
  readonly path: string;
  trust: StoredPolicy;
  /** By name. */
  readonly inline: Timeline<ReadonlyMap<string, StoredPolicy>>;
  /** ARNs of managed policies. */
  readonly attached: string[];
}

export interface ManagedPolicy {
  readonly arn: string;
  readonly createdMs: number;
  /** Ids such as `v1`; at most five. A change of a managed policy is in force at once in the lab. */
  readonly versions: Map<string, StoredPolicy>;
  defaultVersion: string;
}

/** Over all inline policies of a role, not counting white space: IAM quotas. */
const maxInlineCharacters = 10_240;
const maxManagedCharacters = 6_144;
const maxAttachedPolicies = 10;
const defaultPageSize = 100;
const namePattern = /^[\w+=,.@-]+$/;

type Input = Readonly<Record<string, any>>;

export class IamModel {
  readonly #state: SharedState;
  readonly #roles = new Map<string, Role>();
  readonly #managed = new Map<string, ManagedPolicy>();

  constructor(state: SharedState) {
    this.#state = state;
  }

  addRole(arn: string, trust: object, inline: Readonly<Record<string, object>> = {}): Role {
    const policies = Object.entries(inline).map(([name, policy]) => [name, identityPolicy(policy)] as const);
    const role: Role = {
      entity: this.#state.directory.add(arn),
      path: arn.slice(arn.indexOf('/'), arn.lastIndexOf('/') + 1),
      trust: policyOf(JSON.stringify(trust), 'trust'),
      inline: new Timeline<ReadonlyMap<string, StoredPolicy>>(new Map(policies)),
      attached: [],
    };
    this.#roles.set(arn, role);
    return role;
  }

  /** Its ARN stands for another role when it is made again. */
  deleteRole(arn: string): void {
    this.#roles.delete(arn);
    this.#state.directory.remove(arn);
  }

  findRole(arn: string): Role | undefined {
    return this.#roles.get(arn);
  }

  /** Throws when there is none. */
  role(arn: string): Role {
    const role = this.#roles.get(arn);
    if (!role) throw new Error(`no role ${arn}`);
    return role;
  }

  /** Makes the managed policy, or a new default version of it, and attaches it. */
  attach(roleArn: string, policyArn: string, policy?: object): void {
    if (policy !== undefined) this.addManagedPolicy(policyArn, policy);
    if (!this.#managed.has(policyArn)) throw new Error(`no policy ${policyArn}`);
    const { attached } = this.role(roleArn);
    if (attached.length >= maxAttachedPolicies) {
      throw limitExceeded(`Cannot exceed quota for PoliciesPerRole: ${maxAttachedPolicies}`);
    }
    if (!attached.includes(policyArn)) attached.push(policyArn);
  }

  addManagedPolicy(arn: string, policy: object): void {
    const stored = identityPolicy(policy);
    if (charactersOf(stored.text) > maxManagedCharacters) {
      throw limitExceeded(`Cannot exceed quota for PolicySize: ${maxManagedCharacters}`);
    }
    const known = this.#managed.get(arn);
    const version = `v${(known?.versions.size ?? 0) + 1}`;
    if (known) {
      known.versions.set(version, stored);
      known.defaultVersion = version;
      return;
    }
    this.#managed.set(arn, {
      arn,
      createdMs: this.#state.clock.now(),
      versions: new Map([[version, stored]]),
      defaultVersion: version,
    });
  }

  /** Someone else changes an inline policy, or takes it away by giving undefined. */
  edit(roleArn: string, name: string, change: (policy: any) => object | undefined): void {
    const { inline } = this.role(roleArn);
    const next = new Map(inline.newest);
    const old = next.get(name);
    const changed = change(old && JSON.parse(old.text));
    if (changed === undefined) next.delete(name);
    else next.set(name, identityPolicy(changed));
    this.#write(inline, next);
  }

  /** The newest text of an inline policy. */
  inlineText(roleArn: string, name: string): string | undefined {
    return this.role(roleArn).inline.newest.get(name)?.text;
  }

  /** The documents of a role that may be in force now, one list for each state that some server may know. */
  documentsInForce(role: Role): readonly (readonly PolicyDocument[])[] {
    const managed = this.#attachedDocuments(role);
    return role.inline
      .inForce(this.#state.clock.now(), this.#state.behaviour)
      .map(inline => [...[...inline.values()].map(({ document }) => document), ...managed]);
  }

  getRole(caller: Entity, input: Input): Input {
    const { entity, path, trust } = this.#authorized(caller, 'iam:GetRole', input);
    return {
      Role: {
        Path: path,
        RoleName: nameOf(entity.arn),
        RoleId: entity.id,
        Arn: entity.arn,
        CreateDate: iso(entity.createdMs),
        AssumeRolePolicyDocument: urlEncoded(trust.text),
        MaxSessionDuration: 3_600,
      },
    };
  }

  getRolePolicy(caller: Entity, input: Input): Input {
    const role = this.#authorized(caller, 'iam:GetRolePolicy', input);
    const name = nameIn(input, 'PolicyName', 128);
    const policy = readNow(this.#state, role.inline).get(name);
    if (!policy) throw noSuchEntity(`The role policy with name ${name} cannot be found.`);
    return {
      RoleName: nameOf(role.entity.arn),
      PolicyName: name,
      PolicyDocument: urlEncoded(policy.text),
    };
  }

  putRolePolicy(caller: Entity, input: Input): void {
    const role = this.#modifiable(caller, 'iam:PutRolePolicy', input);
    const name = nameIn(input, 'PolicyName', 128);
    const { PolicyDocument } = input;
    if (typeof PolicyDocument !== 'string' || PolicyDocument === '') throw missing('policyDocument');
    const next = new Map(role.inline.newest).set(name, policyOf(PolicyDocument, 'identity'));
    const characters = [...next.values()].reduce((sum, { text }) => sum + charactersOf(text), 0);
    if (characters > maxInlineCharacters) {
      throw limitExceeded(
        `Maximum policy size of ${maxInlineCharacters} bytes exceeded for role ${nameOf(role.entity.arn)}`,
      );
    }
    this.#write(role.inline, next);
  }

  deleteRolePolicy(caller: Entity, input: Input): void {
    const role = this.#modifiable(caller, 'iam:DeleteRolePolicy', input);
    const name = nameIn(input, 'PolicyName', 128);
    const next = new Map(role.inline.newest);
    if (!next.delete(name)) throw noSuchEntity(`The role policy with name ${name} cannot be found.`);
    this.#write(role.inline, next);
  }

  listRolePolicies(caller: Entity, input: Input): Input {
    const role = this.#authorized(caller, 'iam:ListRolePolicies', input);
    const names = [...readNow(this.#state, role.inline).keys()].toSorted();
    return page('PolicyNames', names, input);
  }

  listAttachedRolePolicies(caller: Entity, input: Input): Input {
    const { attached } = this.#authorized(caller, 'iam:ListAttachedRolePolicies', input);
    const policies = attached.map(arn => ({ PolicyName: nameOf(arn), PolicyArn: arn }));
    return page('AttachedPolicies', policies, input);
  }

  getPolicy(caller: Entity, input: Input): Input {
    const { arn, createdMs, defaultVersion } = this.#policy(caller, 'iam:GetPolicy', input);
    const attachments = [...this.#roles.values()].filter(({ attached }) => attached.includes(arn)).length;
    return {
      Policy: {
        PolicyName: nameOf(arn),
        PolicyId: `ANPA${Buffer.from(arn).toString('hex').toUpperCase().slice(-17)}`,
        Arn: arn,
        Path: arn.slice(arn.indexOf('/'), arn.lastIndexOf('/') + 1),
        DefaultVersionId: defaultVersion,
        AttachmentCount: attachments,
        PermissionsBoundaryUsageCount: 0,
        IsAttachable: true,
        CreateDate: iso(createdMs),
        UpdateDate: iso(createdMs),
      },
    };
  }

  getPolicyVersion(caller: Entity, input: Input): Input {
    const { arn, createdMs, versions, defaultVersion } = this.#policy(caller, 'iam:GetPolicyVersion', input);
    const { VersionId } = input;
    const policy = versions.get(VersionId);
    if (!policy)
      throw noSuchEntity(`Policy ${arn} version ${VersionId} does not exist or is not attachable.`);
    return {
      PolicyVersion: {
        Document: urlEncoded(policy.text),
        VersionId,
        IsDefaultVersion: VersionId === defaultVersion,
        CreateDate: iso(createdMs),
      },
    };
  }

  /** The role's own policies only, as in IAM without a ResourcePolicy. */
  simulatePrincipalPolicy(caller: Entity, input: Input): Input {
    this.#refuseWithheld(caller, 'iam:SimulatePrincipalPolicy', String(input.PolicySourceArn));
    const role = this.#roles.get(input.PolicySourceArn);
    if (!role) throw noSuchEntity(`The principal ${input.PolicySourceArn} cannot be found.`);
    for (const name of [
      'ResourcePolicy',
      'PolicyInputList',
      'PermissionsBoundaryPolicyInputList',
      'CallerArn',
    ]) {
      if (input[name] !== undefined) throw new Error(`the lab simulates without ${name}`);
    }
    const documents = [
      ...[...role.inline.newest.values()].map(({ document }) => document),
      ...this.#attachedDocuments(role),
    ];
    const results = listOf<string>(input.ActionNames).flatMap(action =>
      listOf<string>(input.ResourceArns ?? '*').map(resource =>
        simulated(documents, role.entity, action, resource, listOf(input.ContextEntries)),
      ),
    );
    return page('EvaluationResults', results, input);
  }

  #attachedDocuments({ attached }: Role): readonly PolicyDocument[] {
    return attached.map(arn => {
      const { versions, defaultVersion } = this.#managed.get(arn)!;
      return versions.get(defaultVersion)!.document;
    });
  }

  #write(timeline: Role['inline'], next: ReadonlyMap<string, StoredPolicy>): void {
    timeline.write(next, this.#state.clock.now(), this.#state.behaviour);
  }

  #authorized(caller: Entity, action: string, input: Input): Role {
    const name = nameIn(input, 'RoleName', 64);
    const role = [...this.#roles.values()].find(
      ({ entity: { arn } }) => accountOf(arn) === accountOf(caller.arn) && nameOf(arn) === name,
    );
    const resource = role?.entity.arn ?? `arn:aws:iam::${accountOf(caller.arn)}:role/${name}`;
    this.#refuseWithheld(caller, action, resource, 'role ');
    if (!role) throw noSuchEntity(`The role with name ${name} cannot be found.`);
    return role;
  }

  #modifiable(caller: Entity, action: string, input: Input): Role {
    const role = this.#authorized(caller, action, input);
    if (!role.path.startsWith('/aws-service-role/')) return role;
    throw new AwsError(
      'UnmodifiableEntity',
      `Cannot perform the operation on the protected role '${nameOf(role.entity.arn)}' - this role is only modifiable by AWS`,
    );
  }

  #policy(caller: Entity, action: string, { PolicyArn }: Input): ManagedPolicy {
    this.#refuseWithheld(caller, action, `policy ${PolicyArn}`);
    const policy = this.#managed.get(PolicyArn);
    if (policy) return policy;
    throw noSuchEntity(`Policy ${PolicyArn} was not found.`);
  }

  #refuseWithheld({ arn }: Entity, action: string, resource: string, kind = ''): void {
    if (!this.#state.withheld.has(action)) return;
    const text = `User: ${arn} is not authorized to perform: ${action} on resource: ${kind}${nameOf(resource)} because no identity-based policy allows the ${action} action`;
    throw new AwsError('AccessDenied', text, 403);
  }
}

function policyOf(text: string, dialect: 'identity' | 'trust'): StoredPolicy {
  if (!/^[\t\n\r\u0020-\u00ff]+$/.test(text)) throw malformed(dialect, 'Syntax errors in policy.');
  return { text, document: parsePolicy(text, dialect) };
}

const identityPolicy = (policy: object): StoredPolicy => policyOf(JSON.stringify(policy), 'identity');
const charactersOf = (text: string): number => text.replaceAll(/\s/g, '').length;
const nameOf = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1);
const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** RFC 3986, which leaves fewer characters alone than `encodeURIComponent`. */
function urlEncoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function simulated(
  documents: readonly PolicyDocument[],
  { arn, id }: Entity,
  action: string,
  resource: string,
  entries: readonly Input[],
): object {
  const missing = new Set<string>();
  const context: Context = key => {
    const entry = entries.find(({ ContextKeyName }) => String(ContextKeyName).toLowerCase() === key);
    if (!entry) {
      missing.add(key);
      return undefined;
    }
    const values = listOf<string>(entry.ContextKeyValues);
    return /^ip/i.test(entry.ContextKeyType) ? addressesOf(values) : values;
  };
  const caller = { arn, id, account: accountOf(arn) };
  const verdict = identityVerdict(documents, { caller, action, resource, context });
  const decision = { allow: 'allowed', deny: 'explicitDeny' }[verdict as string] ?? 'implicitDeny';
  return {
    EvalActionName: action,
    EvalResourceName: resource,
    EvalDecision: decision,
    MatchedStatements: [],
    MissingContextValues: [...missing],
  };
}

function addressesOf(values: readonly string[]): AddressSet {
  return AddressSet.of(values.map(value => parseCidr(value, { bare: 'host', hostBits: 'mask' })));
}

function page(name: string, all: readonly unknown[], { Marker, MaxItems = defaultPageSize }: Input): Input {
  const start = Marker === undefined ? 0 : Number(Buffer.from(Marker, 'base64').toString());
  if (!Number.isInteger(start) || start < 0 || start > all.length) {
    throw new AwsError('ValidationError', `Invalid Marker: ${Marker}`);
  }
  const end = start + Number(MaxItems);
  const more = end < all.length;
  return {
    [name]: all.slice(start, end),
    IsTruncated: more,
    ...(more && { Marker: Buffer.from(String(end)).toString('base64') }),
  };
}

function nameIn(input: Input, member: string, maxLength: number): string {
  const name: unknown = input[member];
  const inMessage = member[0]!.toLowerCase() + member.slice(1);
  if (typeof name !== 'string' || name === '') throw missing(inMessage);
  if (name.length > maxLength)
    throw invalid(inMessage, `Member must have length less than or equal to ${maxLength}`);
  if (!namePattern.test(name)) {
    throw new AwsError(
      'ValidationError',
      `The specified value for ${inMessage} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-`,
    );
  }
  return name;
}

function missing(member: string): AwsError {
  return invalid(member, 'Member must not be null');
}

function invalid(member: string, constraint: string): AwsError {
  return new AwsError(
    'ValidationError',
    `1 validation error detected: Value at '${member}' failed to satisfy constraint: ${constraint}`,
  );
}

function noSuchEntity(message: string): AwsError {
  return new AwsError('NoSuchEntity', message, 404);
}

function limitExceeded(message: string): AwsError {
  return new AwsError('LimitExceeded', message, 409);
}
