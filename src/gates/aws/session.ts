/** How Amazon's SDK is set up for one gate: through our transport, and with whose credentials. */

import type { Clock } from '../../clock.ts';
import type { AwsCredentialConfig, AwsKeyPolicyConfig, AwsRolePolicyConfig } from '../../config/config.ts';
import type { Secret } from '../../secret.ts';
import type { Transport } from '../../transport/transport.ts';
import type { GateParts } from '../index.ts';
import { isThrottled, type Right, toAwsError } from './aws-error.ts';
import { requestHandlerOver } from './request-handler.ts';

export interface SessionOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  /** A profile of the shared config files; undefined: what the default chain finds. */
  readonly profile: string | undefined;
  readonly credential:
    | (Pick<AwsCredentialConfig, 'accessKeyId'> & {
        readonly secretAccessKey: Secret;
        readonly sessionToken: Secret | undefined;
      })
    | undefined;
  /** Other servers than Amazon's. */
  readonly endpoints: {
    readonly kms: string | undefined;
    readonly iam: string | undefined;
    readonly sts?: string | undefined;
  };
}

/** What every client of the SDK is given. The transport retries what is safe, so the SDK does not. */
export async function clientSettings(options: SessionOptions, region: string, endpoint: string | undefined) {
  return {
    region,
    maxAttempts: 1,
    requestHandler: requestHandlerOver(options.transport),
    credentials: await credentialsOf(options),
    ...(endpoint !== undefined && { endpoint }),
  };
}

async function credentialsOf({ credential, profile, transport }: SessionOptions) {
  if (credential) {
    const { accessKeyId, secretAccessKey, sessionToken } = credential;
    return {
      accessKeyId,
      secretAccessKey: secretAccessKey.reveal(),
      ...(sessionToken && { sessionToken: sessionToken.reveal() }),
    };
  }
  const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
  return fromNodeProviderChain({
    ...(profile !== undefined && { profile }),
    // For the calls of STS and IAM Identity Center that a profile may need.
    clientConfig: { requestHandler: requestHandlerOver(transport), maxAttempts: 1 },
  });
}

const maxThrottledAttempts = 5;
const firstThrottleWaitMs = 500;

/** Sends one call that writes, once. Throws an `AwsError` or a `TransportError`. */
export async function callOnce<Answer>(right: Right, send: () => Promise<Answer>): Promise<Answer> {
  try {
    return await send();
  } catch (error) {
    throw toAwsError(error, right);
  }
}

/**
 * Sends one call that reads. AWS turns calls away with 400, which the transport takes for an answer, so they
 * are repeated here. Throws an `AwsError` or a `TransportError`.
 */
export async function call<Answer>(
  { clock, random }: Pick<SessionOptions, 'clock' | 'random'>,
  right: Right,
  send: () => Promise<Answer>,
): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await callOnce(right, send);
    } catch (error) {
      if (!isThrottled(error) || attempt === maxThrottledAttempts) throw error;
      await clock.sleep(firstThrottleWaitMs * 2 ** attempt * (0.5 + random() / 2));
    }
  }
}

/** Where IAM is signed for: one region in each partition (IAM guide, "Service endpoints and quotas"). */
export function iamRegionOf(partition: string): string {
  return iamRegions[partition] ?? 'us-east-1';
}

const iamRegions: Readonly<Record<string, string>> = {
  aws: 'us-east-1',
  'aws-cn': 'cn-north-1',
  'aws-us-gov': 'us-gov-west-1',
  'aws-iso': 'us-iso-east-1',
  'aws-iso-b': 'us-isob-east-1',
  'aws-eusc': 'eusc-de-east-1',
};

/** What a config says of it. Throws a ConfigError when a secret is not there. */
export function sessionOf(
  { credential, profile, endpoints }: AwsRolePolicyConfig | AwsKeyPolicyConfig,
  { transport, clock, random, secretOf }: GateParts,
): SessionOptions {
  return {
    transport,
    clock,
    random,
    profile,
    endpoints,
    credential: credential && {
      accessKeyId: credential.accessKeyId,
      secretAccessKey: secretOf(credential.secretAccessKey),
      sessionToken: credential.sessionToken && secretOf(credential.sessionToken),
    },
  };
}
