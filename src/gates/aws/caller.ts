/**
 * Whom the credentials belong to. STS tells whoever signs, whatever rights he has or lacks (STS API reference,
 * GetCallerIdentity); its client is no package of ours, so the call is signed by that of another service.
 */
import type { IAMClient } from '@aws-sdk/client-iam';
import { parseArn } from './arn.ts';
import { AwsAnswerError } from './aws-error.ts';
import { requestHandlerOver } from './request-handler.ts';
import type { SessionOptions } from './session.ts';

/** Whose policies decide: those of a user or a role; the account's root has every right, and others have none alone. */
export type CallerIdentity =
  | { readonly kind: 'user'; readonly arn: string }
  /** A session of a role. The ARN of a session has not the role's path, which belongs to the role's own. */
  | { readonly kind: 'role'; readonly arn: string; readonly roleName: string }
  | { readonly kind: 'other'; readonly arn: string };

const stsDomains: Readonly<Record<string, string>> = {
  aws: 'amazonaws.com',
  'aws-cn': 'amazonaws.com.cn',
  'aws-us-gov': 'amazonaws.com',
};

/** Throws as the SDK does, an `AwsAnswerError`, or a `TransportError`. */
export async function readCallerArn(
  client: IAMClient,
  { transport, endpoints }: SessionOptions,
  { partition, region }: { readonly partition: string; readonly region: string },
): Promise<string> {
  const url = new URL(endpoints.sts ?? endpointOf(partition, region, endpoints));
  const signer = await client.config.signer();
  const request = {
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port !== '' && { port: Number(url.port) }),
    path: '/',
    query: {},
    headers: { host: url.host, 'content-type': 'application/x-www-form-urlencoded' },
    body: 'Action=GetCallerIdentity&Version=2011-06-15',
  };
  const signingDate = new Date(Date.now() + client.config.systemClockOffset);
  const signed = await signer.sign(request, {
    signingDate,
    signingService: 'sts',
    signingRegion: region,
  });
  const { response } = await requestHandlerOver(transport).handle(signed);
  const text = Buffer.from(response.body).toString('utf8');
  const part = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1];
  if (response.statusCode !== 200) {
    throw Object.assign(new Error(part('Message') ?? 'no reason was given'), {
      name: part('Code') ?? 'Error',
      $metadata: { httpStatusCode: response.statusCode },
    });
  }
  const arn = part('Arn');
  if (arn === undefined) throw new AwsAnswerError('the answer to GetCallerIdentity has no ARN');
  return arn;
}

/** Pure. */
export function identityOf(callerArn: string): CallerIdentity {
  const { service, resource = '' } = parseArn(callerArn) ?? {};
  if (service === 'iam' && resource.startsWith('user/')) return { kind: 'user', arn: callerArn };
  const [type, roleName] = resource.split('/');
  if (service === 'sts' && type === 'assumed-role' && roleName)
    return { kind: 'role', arn: callerArn, roleName };
  return { kind: 'other', arn: callerArn };
}

function endpointOf(partition: string, region: string, { iam, kms }: SessionOptions['endpoints']): string {
  const domain = stsDomains[partition];
  // Keys of another server are not shown to Amazon's.
  if (domain === undefined || iam !== undefined || kms !== undefined)
    throw new AwsAnswerError(`where STS is for the partition ${partition} is not known`);
  return `https://sts.${region}.${domain}`;
}
