/** The operations of STS that the lab has. Temporary credentials do not end: the SDK counts by the real clock. */
import { randomBytes } from 'node:crypto';
import { AwsError } from './aws-error.ts';
import { type Caller, callerOf, callingArn } from './evaluate.ts';
import type { AwsModel } from './model.ts';
import type { Input, QueryService } from './query-server.ts';
import type { SigningKey } from './signature.ts';

const sessionMs = 3_600_000;

/** Adds to `keys` what it gives out. */
export function stsService(model: AwsModel, keys: Map<string, SigningKey>): QueryService {
  return {
    name: 'sts',
    version: '2011-06-15',
    namespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
    operations: {
      GetCallerIdentity: caller => ({
        Arn: callingArn(caller),
        UserId: userIdOf(caller),
        Account: caller.account,
      }),
      AssumeRole: (caller, input) => assumeRole(model, keys, caller, input),
    },
  };
}

/** Temporary credentials of a role that trusts the caller. */
function assumeRole(
  model: AwsModel,
  keys: Map<string, SigningKey>,
  caller: Caller,
  { RoleArn, RoleSessionName, ExternalId }: Input,
): Input {
  const role = model.iam.findRole(RoleArn);
  const verdict = role && model.trustVerdict(role, caller, ExternalId);
  const trusted = verdict === 'allow' || (verdict === 'to-account' && !model.withheld.has('sts:AssumeRole'));
  if (!role || !trusted) {
    throw new AwsError(
      'AccessDenied',
      `User: ${callingArn(caller)} is not authorized to perform: sts:AssumeRole on resource: ${RoleArn}`,
      403,
    );
  }
  const key = {
    accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64'),
    sessionToken: randomBytes(60).toString('base64'),
    caller: callerOf(role.entity, RoleSessionName),
  };
  keys.set(key.accessKeyId, key);
  return {
    AssumedRoleUser: { AssumedRoleId: userIdOf(key.caller), Arn: callingArn(key.caller) },
    Credentials: {
      AccessKeyId: key.accessKeyId,
      SecretAccessKey: key.secretAccessKey,
      SessionToken: key.sessionToken,
      Expiration: new Date(Date.now() + sessionMs).toISOString().replace(/\.\d+Z$/, 'Z'),
    },
  };
}

function userIdOf({ id, session }: Caller): string {
  return session === undefined ? id : `${id}:${session}`;
}
