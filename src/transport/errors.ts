export const transportErrorKinds = ['timeout', 'network', 'truncated', 'too-large', 'refused-write'] as const;
export type TransportErrorKind = (typeof transportErrorKinds)[number];

/** No whole answer was had: which request, why, whether it may have been carried out, what to do. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly kind: TransportErrorKind;
  /** Without its query, which may hold what should not be printed. */
  readonly url: string;
  readonly method: string;
  /** True when the request may have reached the server: a write may have been carried out. */
  readonly mayHaveBeenSent: boolean;
  readonly remedy: string | undefined;

  constructor(
    kind: TransportErrorKind,
    request: { readonly method: string; readonly url: string },
    what: string,
    options: { mayHaveBeenSent: boolean; remedy?: string | undefined; cause?: unknown },
  ) {
    const url = request.url.split('?', 1)[0]!;
    super(
      `${request.method} ${url}: ${what}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.kind = kind;
    this.url = url;
    this.method = request.method;
    this.mayHaveBeenSent = options.mayHaveBeenSent;
    this.remedy = options.remedy;
  }
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
    /CERT_HAS_EXPIRED|ERR_TLS_CERT_ALTNAME/,
    'The server shows a wrong certificate: check the URL and the clock.',
  ],
];

/** The system's code behind a failed `fetch`, such as `ECONNREFUSED`; empty where there is none. */
export function systemCode(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (typeof code === 'string' && code !== 'ERR_INVALID_ARG_TYPE') return code;
    if (cause instanceof AggregateError && cause.errors.length > 0) return systemCode(cause.errors[0]);
  }
  return '';
}

export function remedyFor(code: string): string | undefined {
  return remedies.find(([pattern]) => pattern.test(code))?.[1];
}
