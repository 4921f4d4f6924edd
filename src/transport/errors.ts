import { redactSecrets } from '../secret.ts';

export const transportErrorKinds = ['timeout', 'network', 'truncated', 'too-large', 'refused-write'] as const;
export type TransportErrorKind = (typeof transportErrorKinds)[number];

/** No whole answer was had: which request, why, whether it may have been carried out, what to do. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly kind: TransportErrorKind;
  /** Without user, password and query, which may hold what should not be printed. */
  readonly url: string;
  readonly method: string;
  /** True when the request may have reached the server: a write may have been carried out. */
  readonly mayHaveBeenSent: boolean;
  /** True when trying again can only fail again: a refused write, a wrong certificate, an invalid header. */
  readonly isLasting: boolean;
  readonly remedy: string | undefined;

  constructor(
    kind: TransportErrorKind,
    request: { readonly method: string; readonly url: string },
    what: string,
    options: { mayHaveBeenSent: boolean; isLasting?: boolean; remedy?: string | undefined; cause?: unknown },
  ) {
    const url = printableUrl(request.url);
    super(
      redactSecrets(`${request.method} ${url}: ${what}`),
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.kind = kind;
    this.url = url;
    this.method = request.method;
    this.mayHaveBeenSent = options.mayHaveBeenSent;
    this.isLasting = options.isLasting ?? (kind === 'too-large' || kind === 'refused-write');
    this.remedy = options.remedy;
  }
}

function printableUrl(text: string): string {
  const url = URL.parse(text);
  return url ? `${url.origin}${url.pathname}` : text.split(/[?#]/, 1)[0]!.replace(/\/\/[^/]*@/, '//');
}

const remedies: readonly (readonly [code: RegExp, remedy: string])[] = [
  [/ENOTFOUND|EAI_AGAIN/, 'Check the host name and DNS; behind a proxy, set HTTPS_PROXY.'],
  [
    /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH/,
    'Check that the host can be reached from here; behind a proxy, set HTTPS_PROXY.',
  ],
  [
    /SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/,
    'If a proxy opens TLS here, name its certificate in NODE_EXTRA_CA_CERTS.',
  ],
  [
    /^CERT_|ERR_TLS_CERT_ALTNAME/,
    'The server shows a wrong certificate: check the URL, and the clock of this machine.',
  ],
  [/EPROTO|ERR_SSL/, 'TLS failed: check that the URL names an https port, and what a proxy does to TLS.'],
  [
    /UND_ERR_ABORTED/,
    'The proxy refused the tunnel: check HTTPS_PROXY, its user and password, and what it allows.',
  ],
];

/** The server's certificate was refused, before a byte of the request was sent. */
export function isCertificateCode(code: string): boolean {
  return /SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|^CERT_|ERR_TLS_CERT_ALTNAME/.test(code);
}

/** The system's code behind a failed `fetch`, such as `ECONNREFUSED`; empty where there is none. */
export function systemCode(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (typeof code === 'string') return code;
    if (cause instanceof AggregateError && cause.errors.length > 0) return systemCode(cause.errors[0]);
  }
  return '';
}

/** Where nothing better is known of a code, or a connection broke: something on the way. */
export const brokenRemedy =
  'Run it again; if it stays, see what is between here and there, such as a proxy or a VPN.';

export function remedyFor(code: string): string {
  return remedies.find(([pattern]) => pattern.test(code))?.[1] ?? brokenRemedy;
}

/**
 * Whether no connection came about, so that nothing can have been sent. The system call is what tells: a
 * connection that stood, and was used, can end with EHOSTUNREACH or ETIMEDOUT as well.
 */
export function neverLeft(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof AggregateError) return cause.errors.length > 0 && cause.errors.every(neverLeft);
    const { code, syscall } = cause as NodeJS.ErrnoException;
    if (syscall === 'connect' || syscall === 'getaddrinfo' || code === 'UND_ERR_CONNECT_TIMEOUT') return true;
    if (isCertificateCode(code ?? '')) return true;
  }
  return false;
}

/** What lies deepest says most: `fetch failed` and `Request was cancelled.` do not say why. */
export function deepestMessage(error: unknown): string {
  let deepest = error;
  while (deepest instanceof Error && deepest.cause instanceof Error) deepest = deepest.cause;
  return deepest instanceof Error ? deepest.message : String(deepest);
}
