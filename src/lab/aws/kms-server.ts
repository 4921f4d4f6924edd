/** KMS over HTTP: the JSON 1.1 protocol, where every operation is a POST to `/` that `X-Amz-Target` names. */
import { randomUUID } from 'node:crypto';
import type { Answer, Incoming } from '../http.ts';
import { AwsError, awsErrorOf } from './aws-error.ts';
import type { Caller } from './evaluate.ts';
import { KmsService } from './kms-service.ts';
import type { AwsModel } from './model.ts';
import { type SigningKey, signedBy } from './signature.ts';

type Operation = (kms: KmsService, caller: Caller, region: string, input: any) => unknown;

const operations: Readonly<Record<string, Operation>> = {
  GetKeyPolicy: (kms, ...rest) => kms.getKeyPolicy(...rest),
  PutKeyPolicy: (kms, ...rest) => kms.putKeyPolicy(...rest),
  DescribeKey: (kms, ...rest) => kms.describeKey(...rest),
  ListKeyPolicies: (kms, ...rest) => kms.listKeyPolicies(...rest),
  ListGrants: (kms, ...rest) => kms.listGrants(...rest),
};

/** The operation that a request names; empty when it names none. */
export function kmsOperation({ headers }: Pick<Incoming, 'headers'>): string {
  return String(headers['x-amz-target'] ?? '').replace(/^TrentService\./, '');
}

export function kmsHandler(model: AwsModel, keys: ReadonlyMap<string, SigningKey>) {
  const kms = new KmsService(model, model.kms);
  return (request: Incoming): Answer => {
    const nowMs = Date.now() + model.behaviour.clockAheadMs;
    const headers = {
      'x-amzn-requestid': randomUUID(),
      'content-type': 'application/x-amz-json-1.1',
      date: new Date(nowMs).toUTCString(),
    };
    try {
      const operation = operations[kmsOperation(request)];
      if (!operation) throw new AwsError('UnknownOperationException', '');
      const { caller, region } = signedBy(request, 'kms', keys, nowMs);
      const json = operation(kms, caller, region, parseBody(request.body));
      if (json === undefined) return { status: 200, headers: { ...headers, 'content-length': '0' } };
      return { status: 200, headers, json };
    } catch (error) {
      const { status, code, message } = awsErrorOf(error, 'KMSInternalException');
      return { status, headers, json: { __type: code, message } };
    }
  };
}

function parseBody(body: string): unknown {
  try {
    const input: unknown = JSON.parse(body);
    if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input;
  } catch {}
  throw new AwsError('SerializationException', '');
}
