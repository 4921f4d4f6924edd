/** A lab with AWS's own SDK around it, as it is used against AWS. */
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { onTestFinished } from 'vitest';
import { awsWorld } from '../../src/lab/aws/world.ts';
import { type AwsBehaviour, ManualClock, startLab } from '../../src/lab/index.ts';
import { startMs } from './client.ts';

interface Options {
  readonly aws?: Partial<AwsBehaviour>;
  /** The role's own policies let everyone use the key. */
  readonly withKeyAccess?: boolean;
  readonly region?: string;
}

export async function openAwsLab({ aws = {}, withKeyAccess = false, region = 'us-east-1' }: Options = {}) {
  const clock = new ManualClock(startMs);
  const lab = await startLab({ clock, aws });
  onTestFinished(() => lab.close());
  const project = awsWorld(lab, { withKeyAccess });
  const { kms: kmsUrl, iam: iamUrl } = lab.urls;
  const options = { credentials: lab.credentials.aws, region, maxAttempts: 1 };
  const kms = new KMSClient({ ...options, endpoint: kmsUrl });
  const iam = new IAMClient({ ...options, endpoint: iamUrl });
  onTestFinished(() => {
    kms.destroy();
    iam.destroy();
  });
  return { lab, clock, project, kms, iam, options };
}

export type OpenAwsLab = Awaited<ReturnType<typeof openAwsLab>>;

/** What the SDK makes of a refusal; fails when there is none. */
export async function refusalOf(promise: Promise<unknown>) {
  const answer = await promise.then(
    value => ({ value }),
    (error: unknown) => ({ error: error as any }),
  );
  if ('value' in answer) throw new Error(`not refused: ${JSON.stringify(answer.value)}`);
  const { name, message, $metadata } = answer.error;
  return { name, message, status: $metadata?.httpStatusCode };
}
