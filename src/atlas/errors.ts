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

  constructor(url: string, status: number, code: string, detail: string) {
    super(`GET ${url}: Atlas answered ${[status, code].filter(Boolean).join(' ')}. ${detail}`.trim());
    this.status = status;
    this.code = code;
    this.url = url;
    this.remedy = remedyOf(status, code);
  }
}

/** Reads Atlas's error body; what is not JSON is quoted, cut short. */
export function atlasErrorOf(url: string, response: TransportResponse): AtlasError {
  const text = Buffer.from(response.body).toString('utf8');
  const body = parseObject(text);
  const code = stringOf(body.errorCode) ?? response.headers['x-error-code'] ?? '';
  const detail = stringOf(body.detail) ?? stringOf(body.reason) ?? quote(text);
  return new AtlasError(url.split('?', 1)[0]!, response.status, code, redactSecrets(detail));
}

function remedyOf(status: number, code: string): string {
  if (code === 'IP_ADDRESS_NOT_ON_ACCESS_LIST') {
    return "Add the address that Postern calls from to the API access list of its key or service account, or of the organization. The control plane's addresses need no credentials and are not affected.";
  }
  switch (status) {
    case 401:
      return 'Check the credentials: a service account secret may have expired, and an API key has a public and a private part.';
    case 403:
      return 'Give the service account or API key the role Project Read Only on the project.';
    case 404:
      return 'Check the project id, and that the credentials belong to its organization.';
    case 406:
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

/** The start of a body on one line, with control characters made visible. */
export function quote(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim().slice(0, 120);
  return line === '' ? 'The body is empty.' : `The body begins ${JSON.stringify(line)}.`;
}

/** Atlas answered 200 with something that is not what it documents. */
export class AtlasAnswerError extends Error {
  override readonly name = 'AtlasAnswerError';
  readonly kind: 'not-json' | 'malformed';
  readonly url: string;
  readonly remedy =
    'Nothing is removed on such an answer. If it lasts, see what the URL gives, and whether a proxy stands between.';

  constructor(kind: 'not-json' | 'malformed', url: string, what: string, cause?: unknown) {
    super(`GET ${url.split('?', 1)[0]}: ${what}`, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.url = url;
  }
}
