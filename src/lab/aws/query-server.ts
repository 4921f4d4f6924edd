/** The Query protocol, which IAM and STS speak: a form in, XML out. */
import { randomUUID } from 'node:crypto';
import type { Answer, Incoming } from '../http.ts';
import { AwsError, awsErrorOf } from './aws-error.ts';
import type { Caller } from './evaluate.ts';
import type { AwsModel } from './model.ts';
import { type SigningKey, signedBy } from './signature.ts';

export type Input = Readonly<Record<string, any>>;
type Operation = (caller: Caller, input: Input) => unknown;

export interface QueryService {
  readonly name: 'iam' | 'sts';
  readonly version: string;
  readonly namespace: string;
  readonly operations: Readonly<Record<string, Operation>>;
}

/** The operation that a request names; empty when it names none. */
export function queryOperation({ body }: Pick<Incoming, 'body'>): string {
  return new URLSearchParams(body).get('Action') ?? '';
}

export function queryHandler(service: QueryService, model: AwsModel, keys: ReadonlyMap<string, SigningKey>) {
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
      const result = operation(caller, inputOf(form));
      const text = root(`${action}Response`, {
        ...(result !== undefined && { [`${action}Result`]: result }),
        ResponseMetadata: metadata,
      });
      return { status: 200, headers, text };
    } catch (error) {
      const { code, message, status } = awsErrorOf(error, 'ServiceFailure');
      const text = root('ErrorResponse', {
        Error: { Type: status < 500 ? 'Sender' : 'Receiver', Code: code, Message: message },
        RequestId: requestId,
      });
      return { status, headers, text };
    }
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
