/**
 * Who signed a request: Signature Version 4 over its headers ("Signing AWS API requests"). Refusals are
 * spelled by the protocol of the service: KMS's JSON has other names for them than IAM's and STS's queries.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Incoming } from '../http.ts';
import { AwsError } from './aws-error.ts';
import type { Caller } from './evaluate.ts';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface SigningKey extends AwsCredentials {
  /** Of temporary credentials. */
  readonly sessionToken?: string;
  readonly caller: Caller;
}

export interface Signed {
  readonly caller: Caller;
  readonly region: string;
}

type Service = 'kms' | 'iam' | 'sts';

const algorithm = 'AWS4-HMAC-SHA256';
const minuteMs = 60_000;
/** How far a signature's time may be off, in minutes. */
const toleranceMinutes = { kms: 5, iam: 15, sts: 15 } as const;
const mismatch =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';

/** Throws an AwsError when the request is not signed by a known key, for this service, about now. */
export function signedBy(
  request: Incoming,
  service: Service,
  keys: ReadonlyMap<string, SigningKey>,
  nowMs: number,
): Signed {
  const refuse = refusalsOf(service);
  const { authorization } = request.headers;
  if (authorization === undefined) throw refuse.missing();
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      authorization,
    );
  const date = /^\d{8}T\d{6}Z$/.exec(String(request.headers['x-amz-date']))?.[0];
  const [, credential = '', signedHeaders = '', signature = ''] = parts ?? [];
  const [accessKeyId = '', day, region, signedService, ending] = credential.split('/');
  if (!parts || date === undefined || ending !== 'aws4_request' || day !== date.slice(0, 8)) {
    throw refuse.incomplete(authorization);
  }
  if (signedService !== service) {
    throw refuse.mismatch(`Credential should be scoped to correct service: '${service}'. `);
  }
  const key = keys.get(accessKeyId);
  if (!key || key.sessionToken !== request.headers['x-amz-security-token']) throw refuse.unknownKey();
  refuseSkew(date, nowMs, toleranceMinutes[service], refuse);
  const expected = signatureOf(request, key.secretAccessKey, credential, date, signedHeaders);
  if (!timingSafeEqual(Buffer.from(expected), Buffer.from(signature))) throw refuse.mismatch(mismatch);
  return { caller: key.caller, region: region! };
}

function signatureOf(
  { method, path, query, headers, body }: Incoming,
  secret: string,
  credential: string,
  date: string,
  signedHeaders: string,
): string {
  const names = signedHeaders.split(';');
  const canonicalRequest = [
    method,
    path,
    [...query]
      .map(pair => pair.map(encodeURIComponent).join('='))
      .toSorted()
      .join('&'),
    ...names.map(
      name =>
        `${name}:${String(headers[name] ?? '')
          .trim()
          .replaceAll(/ +/g, ' ')}`,
    ),
    '',
    signedHeaders,
    sha256(body),
  ].join('\n');
  const [, day, region, service] = credential.split('/') as [string, string, string, string];
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = [algorithm, date, scope, sha256(canonicalRequest)].join('\n');
  const signingKey = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    (key, part) => createHmac('sha256', key).update(part).digest(),
    `AWS4${secret}`,
  );
  return createHmac('sha256', signingKey).update(toSign).digest('hex');
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

function refuseSkew(date: string, nowMs: number, minutes: number, refuse: Refusals): void {
  const signedMs = Date.parse(date.replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:'));
  const allowedMs = minutes * minuteMs;
  const now = compact(nowMs);
  if (signedMs < nowMs - allowedMs) {
    const limit = compact(nowMs - allowedMs);
    throw refuse.mismatch(
      `Signature expired: ${date} is now earlier than ${limit} (${now} - ${minutes} min.)`,
    );
  }
  if (signedMs > nowMs + allowedMs) {
    const limit = compact(nowMs + allowedMs);
    throw refuse.mismatch(
      `Signature not yet current: ${date} is still later than ${limit} (${now} + ${minutes} min.)`,
    );
  }
}

const compact = (ms: number) => new Date(ms).toISOString().replaceAll(/[-:]|\.\d+/g, '');

type Refusals = ReturnType<typeof refusalsOf>;

function refusalsOf(service: Service) {
  const invalidToken = 'The security token included in the request is invalid.';
  if (service === 'kms') {
    return {
      missing: () => new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token'),
      incomplete: (header: string) => new AwsError('IncompleteSignatureException', incomplete(header)),
      unknownKey: () => new AwsError('UnrecognizedClientException', invalidToken),
      mismatch: (message: string) => new AwsError('InvalidSignatureException', message),
    };
  }
  return {
    missing: () => new AwsError('MissingAuthenticationToken', 'Request is missing Authentication Token', 403),
    incomplete: (header: string) => new AwsError('IncompleteSignature', incomplete(header)),
    unknownKey: () => new AwsError('InvalidClientTokenId', invalidToken, 403),
    mismatch: (message: string) => new AwsError('SignatureDoesNotMatch', message, 403),
  };
}

function incomplete(header: string): string {
  return `Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization=${header.split(' ')[0]}`;
}
