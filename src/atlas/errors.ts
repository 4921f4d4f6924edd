import { isIP } from 'node:net';
import { redactSecrets } from '../secret.ts';
import type { TransportResponse } from '../transport/transport.ts';

/** Atlas answered with an error: which one, and what to do about it. */
export class AtlasError extends Error {
  override readonly name = 'AtlasError';
  readonly status: number;
  /** Atlas's own code, such as `IP_ADDRESS_NOT_ON_ACCESS_LIST`; empty where the answer had none. */
  readonly code: string;
  readonly url: string;
  readonly remedy: string;

  constructor(
    url: string,
    status: number,
    code: string,
    detail: string,
    { method = 'GET', callerAddress }: { method?: string; callerAddress?: string | undefined } = {},
  ) {
    const said = detail === '' || /[.!?]$/.test(detail) ? detail : `${detail}.`;
    super(`${method} ${url}: Atlas answered ${[status, code].filter(Boolean).join(' ')}. ${said}`.trim());
    this.status = status;
    this.code = code;
    this.url = url;
    this.remedy = remedyOf(status, code, callerAddress);
  }
}

/** Reads Atlas's error body; what is not JSON is quoted, cut short. */
export function atlasErrorOf(url: string, response: TransportResponse, method = 'GET'): AtlasError {
  const text = Buffer.from(response.body).toString('utf8');
  const body = parseObject(text);
  const code = stringOf(body.errorCode) ?? response.headers['x-error-code'] ?? '';
  // `error_description` is how an OAuth token endpoint says it.
  const detail = stringOf(body.detail) ?? stringOf(body.error_description) ?? stringOf(body.reason);
  return new AtlasError(
    url.split('?', 1)[0]!,
    response.status,
    redactSecrets(code).slice(0, maxCodeCharacters),
    detail === undefined ? quote(text) : redactSecrets(detail).slice(0, maxDetailCharacters),
    { method, callerAddress: callerAddressOf(body) },
  );
}

const maxCodeCharacters = 80;
const maxDetailCharacters = 500;

/** The address that Atlas saw the request come from, where a refusal names it. */
function callerAddressOf({ parameters, detail }: Record<string, unknown>): string | undefined {
  const words = [...(Array.isArray(parameters) ? parameters : []), ...(stringOf(detail) ?? '').split(/\s+/)];
  return words
    .filter(word => typeof word === 'string')
    .map(word => word.replace(/[.,;:]$/, ''))
    .find(word => isIP(word) !== 0);
}

function remedyOf(status: number, code: string, callerAddress: string | undefined): string {
  if (code === 'IP_ADDRESS_NOT_ON_ACCESS_LIST') {
    return `Add ${callerAddress ?? 'the address that Postern calls from'} to the API access list of its key or service account, or of the organization. The control plane's addresses need no credentials and are not affected.`;
  }
  if (status >= 300 && status < 400) {
    return 'Atlas does not redirect: check `atlas.baseUrl`, and whether a proxy or a login page stands between.';
  }
  switch (status) {
    case 401:
      return 'Check the credentials: the secret of a service account may have expired or been rotated, and an API key has a public and a private part and is no service account.';
    case 403:
      return 'Give the service account or API key the role Project Read Only on the project.';
    case 404:
      return 'Check the project id, and that the credentials belong to its organization.';
    case 406:
      return 'Atlas knows no such version of this resource, or a proxy dropped the Accept header: look at the proxy, or upgrade Postern.';
    case 410:
      return 'Atlas no longer serves this version of its API: upgrade Postern.';
    case 429:
      return "Atlas's rate limit is reached: try again later, or read less often.";
    default:
      return status >= 500 ? 'Atlas has trouble: try again later.' : 'See the detail.';
  }
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The start of a body on one line, without secrets, and with control characters made visible. */
export function quote(text: string): string {
  // Secrets go first: half of one, at the cut, would not be known again.
  const line = redactSecrets(text).replace(/\s+/g, ' ').trim().slice(0, 120);
  return line === '' ? 'The body is empty.' : `The body begins ${JSON.stringify(line)}.`;
}

export type AnswerFault = 'not-json' | 'malformed' | 'other-time';

/** Atlas answered 200 with something that is not what it documents. */
export class AtlasAnswerError extends Error {
  override readonly name = 'AtlasAnswerError';
  readonly kind: AnswerFault;
  readonly url: string;
  readonly remedy =
    'Nothing is removed on such an answer. If it lasts, see what the URL gives, and whether a proxy stands between.';

  constructor(kind: AnswerFault, url: string, what: string, cause?: unknown) {
    super(`GET ${url.split('?', 1)[0]}: ${what}`, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.url = url.split('?', 1)[0]!;
  }
}
