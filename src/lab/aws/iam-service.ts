/** What IAM answers. The rules stand in its API reference, its page of quotas and its Smithy model. */
import { AwsError } from './aws-error.ts';
import { accountOf } from './directory.ts';
import { type Caller, callingArn } from './evaluate.ts';
import { invalid, limitExceeded, missing, noSuchEntity } from './iam-errors.ts';
import { charactersOf, type IamModel, type ManagedPolicy, policyOf, type Role } from './iam-model.ts';
import { simulate } from './iam-simulation.ts';
import type { PolicyDocument } from './policy-document.ts';
import { readNow, type SharedState } from './shared-state.ts';

/** Over all inline policies of a role, not counting white space: IAM quotas. */
const maxInlineCharacters = 10_240;
const defaultPageSize = 100;
const namePattern = /^[\w+=,.@-]+$/;

type Input = Readonly<Record<string, any>>;

export class IamService {
  readonly #state: SharedState;
  readonly #iam: IamModel;

  constructor(state: SharedState, iam: IamModel) {
    this.#state = state;
    this.#iam = iam;
  }

  getRole(caller: Caller, input: Input): Input {
    const { entity, path, trust, boundary } = this.#authorized(caller, 'iam:GetRole', input);
    return {
      Role: {
        Path: path,
        RoleName: nameOf(entity.arn),
        RoleId: entity.id,
        Arn: entity.arn,
        CreateDate: iso(entity.createdMs),
        AssumeRolePolicyDocument: urlEncoded(trust.text),
        MaxSessionDuration: 3_600,
        ...(boundary && {
          PermissionsBoundary: {
            PermissionsBoundaryType: 'PermissionsBoundaryPolicy',
            PermissionsBoundaryArn: boundary,
          },
        }),
      },
    };
  }

  /** Without a name, the user who signs; a session of a role is none. */
  getUser(caller: Caller, input: Input): Input {
    const { UserName } = input;
    if (UserName === undefined && caller.session !== undefined) {
      throw new AwsError('ValidationError', 'Must specify userName when calling with non-User credentials');
    }
    const name = UserName === undefined ? nameOf(caller.arn) : nameIn(input, 'UserName', 128);
    this.#refuseWithheld(caller, 'iam:GetUser', `user ${name}`);
    const arn = UserName === undefined ? caller.arn : `arn:aws:iam::${caller.account}:user/${name}`;
    const user = this.#iam.findUser(arn);
    if (!user) throw noSuchEntity(`The user with name ${name} cannot be found.`);
    return {
      User: { Path: '/', UserName: name, UserId: user.id, Arn: user.arn, CreateDate: iso(user.createdMs) },
    };
  }

  getRolePolicy(caller: Caller, input: Input): Input {
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

  putRolePolicy(caller: Caller, input: Input): void {
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
    this.#iam.write(role.inline, next);
  }

  deleteRolePolicy(caller: Caller, input: Input): void {
    const role = this.#modifiable(caller, 'iam:DeleteRolePolicy', input);
    const name = nameIn(input, 'PolicyName', 128);
    const next = new Map(role.inline.newest);
    if (!next.delete(name)) throw noSuchEntity(`The role policy with name ${name} cannot be found.`);
    this.#iam.write(role.inline, next);
  }

  listRolePolicies(caller: Caller, input: Input): Input {
    const role = this.#authorized(caller, 'iam:ListRolePolicies', input);
    const names = [...readNow(this.#state, role.inline).keys()].toSorted();
    return page('PolicyNames', names, input);
  }

  listAttachedRolePolicies(caller: Caller, input: Input): Input {
    const { attached } = this.#authorized(caller, 'iam:ListAttachedRolePolicies', input);
    const policies = attached.map(arn => ({ PolicyName: nameOf(arn), PolicyArn: arn }));
    return page('AttachedPolicies', policies, input);
  }

  getPolicy(caller: Caller, input: Input): Input {
    const { arn, createdMs, defaultVersion } = this.#policy(caller, 'iam:GetPolicy', input);
    const attachments = this.#iam.roles.filter(({ attached }) => attached.includes(arn)).length;
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

  getPolicyVersion(caller: Caller, input: Input): Input {
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

  simulatePrincipalPolicy(caller: Caller, input: Input): Input {
    const { PolicySourceArn } = input;
    this.#refuseWithheld(caller, 'iam:SimulatePrincipalPolicy', PolicySourceArn);
    const role = this.#iam.findRole(PolicySourceArn);
    const user = this.#iam.findUser(PolicySourceArn);
    if (!role && !user) throw noSuchEntity(`The principal ${PolicySourceArn} cannot be found.`);
    const fence = role && this.#iam.boundaryOf(role);
    const source = {
      entity: (role?.entity ?? user)!,
      documents: role ? this.#iam.newestDocuments(role) : [allRights],
      ...(fence && { fence }),
      withheld: user ? this.#state.withheld : new Set<string>(),
    };
    return page('EvaluationResults', simulate(source, input), input);
  }

  #authorized(caller: Caller, action: string, input: Input): Role {
    const name = nameIn(input, 'RoleName', 64);
    const role = this.#iam.roles.find(
      ({ entity: { arn } }) => accountOf(arn) === caller.account && nameOf(arn) === name,
    );
    this.#refuseWithheld(caller, action, `role ${name}`);
    if (!role) throw noSuchEntity(`The role with name ${name} cannot be found.`);
    return role;
  }

  #modifiable(caller: Caller, action: string, input: Input): Role {
    const role = this.#authorized(caller, action, input);
    if (!role.path.startsWith('/aws-service-role/')) return role;
    throw new AwsError(
      'UnmodifiableEntity',
      `Cannot perform the operation on the protected role '${nameOf(role.entity.arn)}' - this role is only modifiable by AWS`,
    );
  }

  #policy(caller: Caller, action: string, { PolicyArn }: Input): ManagedPolicy {
    this.#refuseWithheld(caller, action, `policy ${PolicyArn}`);
    const policy = this.#iam.findManagedPolicy(PolicyArn);
    if (policy) return policy;
    throw noSuchEntity(`Policy ${PolicyArn} was not found.`);
  }

  #refuseWithheld(caller: Caller, action: string, resource: string): void {
    if (!this.#state.withheld.has(action)) return;
    throw new AwsError(
      'AccessDenied',
      `User: ${callingArn(caller)} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`,
      403,
    );
  }
}

/** A user of the lab may do all that is not withheld. */
const allRights: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
};

const nameOf = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1);

const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** RFC 3986, which leaves fewer characters alone than `encodeURIComponent`. */
function urlEncoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function page(name: string, all: readonly unknown[], { Marker, MaxItems = defaultPageSize }: Input): Input {
  const decoded = Marker === undefined ? '0' : Buffer.from(Marker, 'base64').toString();
  const start = Number(decoded);
  if (!/^\d+$/.test(decoded) || start > all.length) {
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
