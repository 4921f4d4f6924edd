/** The lab's key and role, and gates on them through Amazon's own SDK. */
import { createAwsKeyPolicyGate } from '../../../src/gates/aws-key-policy/index.ts';
import { createAwsRolePolicyGate } from '../../../src/gates/aws-role-policy/index.ts';
import { labKeyArn, labRoleArn } from '../../../src/lab/aws/world.ts';
import type { AwsBehaviour, LabRequest } from '../../../src/lab/index.ts';
import { Secret } from '../../../src/secret.ts';
import { createTransport } from '../../../src/transport/index.ts';
import { openAwsLab } from '../../lab/aws-client.ts';

export const policyName = 'PosternAtlasAccess';
export const sid = 'PosternAtlasAccess';
export const actions = ['kms:Encrypt', 'kms:Decrypt', 'kms:DescribeKey'];

type Mode = 'read-only' | 'read-write';

/** @param withKeyAccess the role's own policies let everyone use the key */
export async function openAws(options: { aws?: Partial<AwsBehaviour>; withKeyAccess?: boolean } = {}) {
  const open = await openAwsLab(options);
  const { lab, clock } = open;
  const { accessKeyId, secretAccessKey } = lab.credentials.aws;
  const settings = (mode: Mode) => ({
    name: 'payments',
    keyArn: labKeyArn,
    roleArn: labRoleArn,
    clock,
    random: () => 0.5,
    profile: undefined,
    endpoints: { kms: lab.urls.kms, iam: lab.urls.iam, sts: lab.urls.sts },
    credential: {
      accessKeyId,
      secretAccessKey: new Secret(secretAccessKey, 'env:AWS_SECRET'),
      sessionToken: undefined,
    },
    transport: createTransport({ clock, random: () => 0.5, mode }),
  });
  return {
    ...open,
    aws: lab.aws,
    secretAccessKey,
    roleGate: (mode: Mode = 'read-write', more: object = {}) =>
      createAwsRolePolicyGate({ ...settings(mode), policyName, ...more }),
    keyGate: (mode: Mode = 'read-write', more: object = {}) =>
      createAwsKeyPolicyGate({ ...settings(mode), sid, ...more }),
    keyPolicy: (): any => JSON.parse(lab.aws.kms.policyText(labKeyArn)),
    inlinePolicy: (name = policyName): any => {
      const text = lab.aws.iam.inlineText(labRoleArn, name);
      return text === undefined ? undefined : JSON.parse(text);
    },
    editKey: (change: (policy: any) => void) =>
      lab.aws.kms.edit(labKeyArn, (policy: any) => {
        change(policy);
        return policy;
      }),
    editRole: (name: string, change: (policy: any) => any) => lab.aws.iam.edit(labRoleArn, name, change),
  };
}

export type OpenAws = Awaited<ReturnType<typeof openAws>>;

export function isAwsWrite({ service, path }: LabRequest): boolean {
  return (service === 'iam' || service === 'kms') && !/^\/(Get|List|Describe|Simulate)/.test(path);
}
