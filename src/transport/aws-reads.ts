/**
 * Which requests to AWS only read. AWS takes every call as `POST /`, and says in a header (KMS's JSON protocol)
 * or in the form (the Query protocol of IAM and STS) what it is. What is not exactly one of these is no read.
 */

/** What is looked at of a request that may be one to AWS. */
export interface AwsAsked {
  readonly verb: string;
  readonly path: string;
  /** With its question mark; empty when there is none. */
  readonly search: string;
  /** Undefined when the request has none, or more than one. */
  header(name: string): string | undefined;
  readonly body: string | Uint8Array | undefined;
}

const kmsReads = new Set(
  ['GetKeyPolicy', 'DescribeKey', 'ListGrants'].map(operation => `TrentService.${operation}`),
);

/** By the version of each API, which is part of its calls. Credentials are no change that matters. */
const queryReads: Readonly<Record<string, ReadonlySet<string>>> = {
  '2010-05-08': new Set([
    'GetRole',
    'GetRolePolicy',
    'ListRolePolicies',
    'ListAttachedRolePolicies',
    'GetPolicy',
    'GetPolicyVersion',
    'SimulatePrincipalPolicy',
  ]),
  '2011-06-15': new Set(['AssumeRole', 'AssumeRoleWithWebIdentity', 'GetCallerIdentity']),
};

/** A read of KMS. Its body names the key, and cannot change what the call is. */
export function isKmsRead(asked: AwsAsked): boolean {
  return (
    isPlainPost(asked) &&
    asked.header('content-type') === 'application/x-amz-json-1.1' &&
    kmsReads.has(asked.header('x-amz-target') ?? '') &&
    textOf(asked.body).startsWith('{')
  );
}

/** A read of IAM, or a question to STS. */
export function isAwsQueryRead(asked: AwsAsked): boolean {
  if (!isPlainPost(asked) || asked.header('x-amz-target') !== undefined) return false;
  if (!/^application\/x-www-form-urlencoded(;\s*charset=utf-8)?$/i.test(asked.header('content-type') ?? '')) {
    return false;
  }
  const text = textOf(asked.body);
  // Some servers end a field at a semicolon, or read what is not plain in ways of their own.
  if (!/^[\w.~%*+=&-]+$/.test(text)) return false;
  const fields = [...new URLSearchParams(text)];
  const theOnly = (wanted: string) => {
    const named = fields.filter(([name]) => name.trim().toLowerCase() === wanted.toLowerCase());
    return named.length === 1 && named[0]![0] === wanted ? named[0]![1] : '';
  };
  return queryReads[theOnly('Version')]?.has(theOnly('Action')) ?? false;
}

/** A new access token of IAM Identity Center, for a profile that signs in by it. */
export function isIdentityCenterToken({ verb, path, search }: AwsAsked, host: string): boolean {
  return (
    verb === 'POST' &&
    path === '/token' &&
    search === '' &&
    /^oidc\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/.test(host)
  );
}

function isPlainPost({ verb, path, search }: AwsAsked): boolean {
  return verb === 'POST' && path === '/' && search === '';
}

function textOf(body: AwsAsked['body']): string {
  return typeof body === 'string' ? body : Buffer.from(body ?? []).toString('latin1');
}
