import type { Clock } from '../../clock.ts';
import type { Secret } from '../../secret.ts';
import type { Transport, TransportRequest, TransportResponse } from '../../transport/transport.ts';

export type AtlasCredentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'service-account'; readonly clientId: string; readonly clientSecret: Secret }
  | { readonly kind: 'api-key'; readonly publicKey: string; readonly privateKey: Secret };

export interface AuthContext {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly baseUrl: string;
  /** Makes a client nonce for digest authentication. */
  readonly nonce: () => string;
}

/** Sends requests with credentials, and renews these where an answer asks for it. */
export interface Auth {
  send(request: TransportRequest): Promise<TransportResponse>;
}
