/** The calls of KMS that Postern makes, each about one key, by Amazon's own SDK over our transport. */
import { z } from 'zod';
import { parseKeyArn } from './arn.ts';
import { AwsAnswerError, type Right } from './aws-error.ts';
import { call, callOnce, clientSettings, type SessionOptions } from './session.ts';

export interface KmsClient {
  /** The text of the key's policy. A key has one, named `default`. */
  getPolicy(): Promise<string>;
  /** Replaces the whole policy. Never sets BypassPolicyLockoutSafetyCheck: AWS keeps a policy that locks its caller out. */
  putPolicy(text: string): Promise<void>;
  describe(): Promise<KeyMetadata>;
  /** The grants of the key: who may do what, besides all policies. */
  grants(): Promise<readonly Grant[]>;
}

const replica = z.object({ Arn: z.string().nullish(), Region: z.string().nullish() });

const keyMetadata = z.object({
  Arn: z.string(),
  KeyState: z.string().nullish(),
  KeyManager: z.string().nullish(),
  KeyUsage: z.string().nullish(),
  DeletionDate: z.date().nullish(),
  MultiRegion: z.boolean().nullish(),
  MultiRegionConfiguration: z
    .object({
      MultiRegionKeyType: z.string().nullish(),
      PrimaryKey: replica.nullish(),
      ReplicaKeys: z.array(replica).nullish(),
    })
    .nullish(),
});
export type KeyMetadata = z.infer<typeof keyMetadata>;

const grant = z.object({
  GrantId: z.string().nullish(),
  GranteePrincipal: z.string().nullish(),
  Operations: z.array(z.string()).nullish(),
});
export type Grant = z.infer<typeof grant>;

/** A key with more grants than this is not read to the end: 50,000 is KMS's own limit, 100 a page. */
const maxPages = 500;

/** Loads the SDK. */
export async function createKmsClient(keyArn: string, options: SessionOptions): Promise<KmsClient> {
  const sdk = await import('@aws-sdk/client-kms');
  const { region } = parseKeyArn(keyArn);
  const client = new sdk.KMSClient(await clientSettings(options, region, options.endpoints.kms));
  const right = (action: string): Right => ({ action: `kms:${action}`, on: keyArn });
  const key = { KeyId: keyArn };
  return {
    async getPolicy() {
      const command = new sdk.GetKeyPolicyCommand({ ...key, PolicyName: 'default' });
      const { Policy } = await call(options, right('GetKeyPolicy'), () => client.send(command));
      return parse(z.string(), Policy, 'GetKeyPolicy');
    },
    async putPolicy(text) {
      const command = new sdk.PutKeyPolicyCommand({ ...key, PolicyName: 'default', Policy: text });
      await callOnce(right('PutKeyPolicy'), () => client.send(command));
    },
    async describe() {
      const command = new sdk.DescribeKeyCommand(key);
      const { KeyMetadata } = await call(options, right('DescribeKey'), () => client.send(command));
      return parse(keyMetadata, KeyMetadata, 'DescribeKey');
    },
    async grants() {
      const all: Grant[] = [];
      let marker: string | undefined;
      for (let page = 0; page < maxPages; page++) {
        const command = new sdk.ListGrantsCommand({
          ...key,
          ...(marker !== undefined && { Marker: marker }),
        });
        const answer = await call(options, right('ListGrants'), () => client.send(command));
        all.push(...parse(z.array(grant), answer.Grants, 'ListGrants'));
        marker = answer.Truncated ? answer.NextMarker : undefined;
        if (marker === undefined) return all;
      }
      throw new AwsAnswerError(`the answers to ListGrants do not end after ${maxPages} pages`);
    },
  };
}

/** Throws an AwsAnswerError that says where the answer is not as AWS documents it. */
export function parse<Value>(schema: z.ZodType<Value>, answer: unknown, call: string): Value {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new AwsAnswerError(
    `the answer to ${call} is not as AWS documents it: ${[...(issue?.path ?? [])].join('.') || 'it'}: ${issue?.message}`,
  );
}
