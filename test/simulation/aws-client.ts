/**
 * The calls of KMS and IAM without Amazon's SDK, which signs each with the machine's own clock and takes a
 * millisecond for it. The requests are Amazon's but for the signature, and IAM answers JSON. The SDK itself is tested
 * over real HTTP in `test/gates` and `test/e2e`.
 */
import { AwsAnswerError, type Right } from '../../src/gates/aws/aws-error.ts';
import type { IamClient } from '../../src/gates/aws/iam-client.ts';
import type { KmsClient } from '../../src/gates/aws/kms-client.ts';
import { call, callOnce } from '../../src/gates/aws/session.ts';
import { AwsError } from '../../src/lab/aws/aws-error.ts';
import type { Caller } from '../../src/lab/aws/evaluate.ts';
import { iamService } from '../../src/lab/aws/iam-server.ts';
import { KmsService } from '../../src/lab/aws/kms-service.ts';
import type { AwsModel } from '../../src/lab/aws/model.ts';
import type { Answer, Incoming } from '../../src/lab/deliver.ts';
import type { Transport } from '../../src/transport/index.ts';
import type { GateParts } from './cloud.ts';
import type { Service } from './network.ts';

const iamVersion = '2010-05-08';

export interface AwsOrigins {
  readonly kms: string;
  readonly iam: string;
}

export interface AwsClients {
  readonly kms: KmsClient;
  readonly iam: IamClient;
}

/** @param around carries out each call */
export function awsServices(
  model: AwsModel,
  caller: Caller,
  region: string,
  origins: AwsOrigins,
  around: (operation: string, input: any, work: () => unknown) => unknown,
): readonly Service[] {
  const kms = new KmsService(model, model.kms);
  const iam = iamService(model).operations;
  const kmsOperations: Readonly<Record<string, (input: any) => unknown>> = {
    GetKeyPolicy: input => kms.getKeyPolicy(caller, region, input),
    PutKeyPolicy: input => kms.putKeyPolicy(caller, region, input),
    DescribeKey: input => kms.describeKey(caller, region, input),
    ListGrants: input => kms.listGrants(caller, region, input),
  };
  const answering = (operation: string, input: any, work: () => unknown): Answer => {
    try {
      return { status: 200, json: around(operation, input, work) ?? {} };
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      return { status: error.status, json: { __type: error.code, message: error.message } };
    }
  };
  const kmsOperation = ({ headers }: Pick<Incoming, 'headers'>) =>
    String(headers['x-amz-target']).replace('TrentService.', '');
  const iamOperation = ({ body }: Pick<Incoming, 'body'>) => new URLSearchParams(body).get('Action') ?? '';
  return [
    {
      name: 'kms',
      origin: origins.kms,
      operationOf: kmsOperation,
      handle: request => {
        const operation = kmsOperation(request);
        const input = JSON.parse(request.body);
        return answering(operation, input, () => kmsOperations[operation]!(input));
      },
    },
    {
      name: 'iam',
      origin: origins.iam,
      operationOf: iamOperation,
      handle: request => {
        const operation = iamOperation(request);
        const input = Object.fromEntries(new URLSearchParams(request.body));
        return answering(operation, input, () => iam[operation]!(caller, input));
      },
    },
  ];
}

export function awsClients(
  { transport, clock, random }: GateParts,
  { keyArn, roleArn }: { readonly keyArn: string; readonly roleArn: string },
  origins: AwsOrigins,
): AwsClients {
  const key = { KeyId: keyArn };
  const ofRole = { RoleName: roleArn.split('/').at(-1)! };
  const retrying = { clock, random };
  const right = (action: string, on: string): Right => ({ action, on });
  const askKms = (operation: string, input: object = {}) =>
    call(retrying, right(`kms:${operation}`, keyArn), () =>
      sendKms(transport, origins, operation, { ...key, ...input }),
    );
  const askIam = (operation: string, input: Readonly<Record<string, string>> = {}) =>
    call(retrying, right(`iam:${operation}`, roleArn), () => sendIam(transport, origins, operation, input));
  return {
    kms: {
      getPolicy: async () => textOf((await askKms('GetKeyPolicy', { PolicyName: 'default' })).Policy),
      putPolicy: async text => {
        const input = { ...key, PolicyName: 'default', Policy: text };
        await callOnce(right('kms:PutKeyPolicy', keyArn), () =>
          sendKms(transport, origins, 'PutKeyPolicy', input, 0),
        );
      },
      describe: async () => {
        const { KeyMetadata } = await askKms('DescribeKey');
        if (typeof KeyMetadata?.Arn !== 'string') throw new AwsAnswerError('no metadata of the key');
        return KeyMetadata;
      },
      grants: async () => (await askKms('ListGrants')).Grants ?? [],
    },
    iam: {
      role: async () => {
        const { Role } = await askIam('GetRole', ofRole);
        if (typeof Role?.Arn !== 'string') throw new AwsAnswerError('no role');
        return Role;
      },
      inlinePolicy: async name => {
        try {
          const { PolicyDocument } = await askIam('GetRolePolicy', { ...ofRole, PolicyName: name });
          return decodeURIComponent(textOf(PolicyDocument));
        } catch (error) {
          if ((error as { code?: unknown }).code === 'NoSuchEntity') return undefined;
          throw error;
        }
      },
      putInlinePolicy: async (name, text) => {
        const input = { ...ofRole, PolicyName: name, PolicyDocument: text };
        await callOnce(right('iam:PutRolePolicy', roleArn), () =>
          sendIam(transport, origins, 'PutRolePolicy', input, 0),
        );
      },
      inlinePolicyNames: async () => listOf((await askIam('ListRolePolicies', ofRole)).PolicyNames),
      attachedPolicyArns: async () =>
        listOf((await askIam('ListAttachedRolePolicies', ofRole)).AttachedPolicies).map(
          ({ PolicyArn }: any) => PolicyArn,
        ),
      managedPolicy: () => notAsked(),
      callerArn: () => notAsked(),
      roleArnOf: () => notAsked(),
      simulate: () => notAsked(),
    },
  };
}

/** Of `doctor` alone, or of what these worlds do not have. */
function notAsked(): never {
  throw new AwsAnswerError('the simulation does not ask this');
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new AwsAnswerError('a text is missing');
}

function listOf(value: unknown): any[] {
  if (Array.isArray(value)) return value;
  throw new AwsAnswerError('a list is missing');
}

function sendKms(
  transport: Transport,
  { kms }: AwsOrigins,
  operation: string,
  input: object,
  maxRetries?: number,
) {
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': `TrentService.${operation}`,
  };
  return send(transport, `${kms}/`, headers, JSON.stringify(input), maxRetries);
}

function sendIam(
  transport: Transport,
  { iam }: AwsOrigins,
  operation: string,
  input: Readonly<Record<string, string>>,
  maxRetries?: number,
) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const form = new URLSearchParams({ Action: operation, Version: iamVersion, ...input });
  return send(transport, `${iam}/`, headers, form.toString(), maxRetries);
}

/** Throws what the SDK would: an error by the name of AWS's code, with the status. */
async function send(
  transport: Transport,
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  maxRetries?: number,
): Promise<any> {
  const response = await transport.send({
    method: 'POST',
    url,
    headers,
    body,
    ...(maxRetries !== undefined && { maxRetries }),
  });
  const $metadata = { httpStatusCode: response.status };
  let answer: any;
  try {
    answer = JSON.parse(Buffer.from(response.body).toString('utf8'));
  } catch {
    const about = { name: response.status === 200 ? 'SyntaxError' : 'UnknownError', $metadata };
    throw Object.assign(new Error('the answer is not JSON'), about);
  }
  if (response.status === 200 && typeof answer === 'object' && answer !== null) return answer;
  const { __type: name = 'UnknownError', message = 'UnknownError' } = answer ?? {};
  throw Object.assign(new Error(message), { name, $metadata });
}
