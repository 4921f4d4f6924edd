/** IAM and STS over HTTP: the Query protocol, a form in, XML out. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Answer, Incoming } from '../http.ts';
import { AwsError } from './aws-error.ts';
import { accountOf, type Entity } from './directory.ts';
import { resourceVerdict } from './evaluate.ts';
import { callerOf } from './kms-model.ts';
import type { AwsModel } from './model.ts';
import { type SigningKey, signedBy } from './signature.ts';

type Input = Readonly<Record<string, any>>;
type Operation = (context: Context, caller: Entity, input: Input) => unknown;

interface Context {
  readonly model: AwsModel;
  readonly keys: Map<string, SigningKey>;
}

interface QueryService {
  readonly name: 'iam' | 'sts';
  readonly version: string;
  readonly namespace: string;
  readonly operations: Readonly<Record<string, Operation>>;
}

const sessionSeconds = 3_600;

export const iam: QueryService = {
  name: 'iam',
  version: '2010-05-08',
  namespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
  operations: {
    GetRole: ({ model }, ...rest) => model.iam.getRole(...rest),
    GetRolePolicy: ({ model }, ...rest) => model.iam.getRolePolicy(...rest),
    PutRolePolicy: ({ model }, ...rest) => model.iam.putRolePolicy(...rest),
    DeleteRolePolicy: ({ model }, ...rest) => model.iam.deleteRolePolicy(...rest),
    ListRolePolicies: ({ model }, ...rest) => model.iam.listRolePolicies(...rest),
    ListAttachedRolePolicies: ({ model }, ...rest) => model.iam.listAttachedRolePolicies(...rest),
    GetPolicy: ({ model }, ...rest) => model.iam.getPolicy(...rest),
    GetPolicyVersion: ({ model }, ...rest) => model.iam.getPolicyVersion(...rest),
    SimulatePrincipalPolicy: ({ model }, ...rest) => model.iam.simulatePrincipalPolicy(...rest),
  },
};

export const sts: QueryService = {
  name: 'sts',
  version: '2011-06-15',
  namespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
  operations: {
    GetCallerIdentity: (_, { arn, id }) => ({ Arn: arn, UserId: id, Account: accountOf(arn) }),
    AssumeRole: assumeRole,
  },
};

/** The operation that a request names; empty when it names none. */
export function queryOperation({ body }: Pick<Incoming, 'body'>): string {
  return new URLSearchParams(body).get('Action') ?? '';
}

export function queryHandler(service: QueryService, model: AwsModel, keys: Map<string, SigningKey>) {
  return (request: Incoming): Answer => {
    const requestId = randomUUID();
    const nowMs = Date.now() + model.behaviour.clockAheadMs;
    const headers = {
      'x-amzn-requestid': requestId,
      'content-type': 'text/xml',
      date: new Date(nowMs).toUTCString(),
    };
    const metadata = { RequestId: requestId };
    const root = (name: string, value: Input) =>
      `<${name} xmlns="${service.namespace}">${xmlOf(value)}</${name}>\n`;
    try {
      const { caller } = signedBy(request, service.name, keys, nowMs);
      const form = new URLSearchParams(request.body);
      const action = queryOperation(request);
      const operation = service.operations[action];
      if (!operation || form.get('Version') !== service.version) {
        throw new AwsError(
          'InvalidAction',
          `Could not find operation ${action} for version ${form.get('Version') ?? 'NO_VERSION_SPECIFIED'}`,
        );
      }
      const result = operation({ model, keys }, caller, inputOf(form));
      const text = root(`${action}Response`, {
        ...(result !== undefined && { [`${action}Result`]: result }),
        ResponseMetadata: metadata,
      });
      return { status: 200, headers, text };
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      const { code, message, status } = error;
      const text = root('ErrorResponse', {
        Error: { Type: 'Sender', Code: code, Message: message },
        RequestId: requestId,
      });
      return { status, headers, text };
    }
  };
}

/** Temporary credentials of a role that trusts the caller. */
function assumeRole({ model, keys }: Context, caller: Entity, input: Input): Input {
  const { RoleArn, RoleSessionName, ExternalId } = input;
  const role = model.iam.findRole(RoleArn);
  const verdict =
    role &&
    resourceVerdict(
      role.trust.document,
      {
        caller: callerOf(caller),
        action: 'sts:AssumeRole',
        resource: RoleArn,
        context: key => {
          if (key === 'sts:externalid') return ExternalId === undefined ? undefined : [ExternalId];
          throw new Error(`the lab does not know the condition key ${key} in a trust policy`);
        },
      },
      'trust',
    );
  if (verdict !== 'allow' && (verdict !== 'to-account' || model.withheld.has('sts:AssumeRole'))) {
    throw new AwsError(
      'AccessDenied',
      `User: ${caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${RoleArn}`,
      403,
    );
  }
  const { entity } = role!;
  const session = `arn:aws:sts::${accountOf(RoleArn)}:assumed-role/${RoleArn.split('/').at(-1)}/${RoleSessionName}`;
  const credentials = {
    accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64'),
    sessionToken: randomBytes(60).toString('base64'),
  };
  keys.set(credentials.accessKeyId, {
    ...credentials,
    caller: { ...entity, arn: session, id: `${entity.id}:${RoleSessionName}` },
  });
  return {
    AssumedRoleUser: { AssumedRoleId: `${entity.id}:${RoleSessionName}`, Arn: session },
    Credentials: {
      AccessKeyId: credentials.accessKeyId,
      SecretAccessKey: credentials.secretAccessKey,
      SessionToken: credentials.sessionToken,
      Expiration: new Date(Date.now() + sessionSeconds * 1_000).toISOString().replace(/\.\d+Z$/, 'Z'),
    },
  };
}

/** `Names.member.1=a&Names.member.2=b` and `Entries.member.1.Key=k`, as one value. */
function inputOf(form: URLSearchParams): Input {
  const input: Record<string, any> = {};
  for (const [name, value] of form) {
    const path = name.split('.').filter(part => part !== 'member');
    let at: any = input;
    for (const [index, part] of path.slice(0, -1).entries()) {
      at[part] ??= /^\d+$/.test(path[index + 1]!) ? [] : {};
      at = at[part];
    }
    at[path.at(-1)!] = value;
  }
  return withoutHoles(input);
}

/** Lists are numbered from 1. */
function withoutHoles(value: any): any {
  if (Array.isArray(value)) return value.filter(item => item !== undefined).map(withoutHoles);
  if (typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withoutHoles(item)]));
}

function xmlOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(item => `<member>${xmlOf(item)}</member>`).join('');
  if (typeof value !== 'object' || value === null) return escapeXml(String(value));
  return Object.entries(value)
    .map(([name, item]) => `<${name}>${xmlOf(item)}</${name}>`)
    .join('');
}

function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"]/g, char => `&#${char.charCodeAt(0)};`);
}
