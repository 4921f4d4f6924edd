/**
 * One token for all vaults that one identity looks after: a fleet would otherwise ask Microsoft Entra once for
 * each vault, all at the same moment.
 */

import type { HttpClient } from '@azure/core-rest-pipeline';
import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/identity';
import { TransportError } from '../../transport/errors.ts';
import type { Transport } from '../../transport/transport.ts';
import { httpClientOver } from './http-client.ts';

export interface SharedTokens {
  readonly credential: TokenCredential;
  /** Why the newest request for a token had no answer; undefined when it had one. */
  fault(): TransportError | undefined;
  /**
   * A token was refused: none that was given out so far is given out again. Its end alone does not tell: it may have
   * been revoked, or got by a clock that was ahead.
   */
  forget(): void;
}

/** The SDK renews a token two minutes before it ends; a shared one is not given out as late as that. */
const leastLifeMs = 5 * 60_000;

const known = new WeakMap<Transport, Map<string, SharedTokens>>();

/**
 * @param identity whose tokens they are: equal texts share
 * @param make the SDK's credential, given the way to Microsoft Entra
 */
export function sharedTokens(
  transport: Transport,
  identity: string,
  make: (entra: HttpClient) => TokenCredential,
): SharedTokens {
  // A gate's own transport is asked about its lock, which has no say in a token.
  const { base = transport } = transport;
  const ofTransport = known.get(base) ?? new Map<string, SharedTokens>();
  known.set(base, ofTransport);
  const tokens = ofTransport.get(identity) ?? shareTokens(base, make);
  ofTransport.set(identity, tokens);
  return tokens;
}

function shareTokens(transport: Transport, make: (entra: HttpClient) => TokenCredential): SharedTokens {
  let fault: TransportError | undefined;
  const httpClient = httpClientOver(transport);
  const entra: HttpClient = {
    sendRequest: async request => {
      try {
        const response = await httpClient.sendRequest(request);
        fault = undefined;
        return response;
      } catch (error) {
        if (error instanceof TransportError) fault = error;
        throw error;
      }
    },
  };
  let credential = make(entra);
  const tokens = new Map<string, Promise<AccessToken | null>>();
  const isFresh = (token: AccessToken | null | undefined) =>
    token != null && token.expiresOnTimestamp - Date.now() > leastLifeMs;

  const getToken = async (
    scopes: string | string[],
    options?: GetTokenOptions,
  ): Promise<AccessToken | null> => {
    // A challenge asks for a token that no earlier one can stand for.
    if (options?.claims !== undefined) return await credential.getToken(scopes, options);
    const key = JSON.stringify([scopes, options?.tenantId ?? null]);
    const before = tokens.get(key);
    if (before && isFresh(await before.catch(() => null))) return await before;
    // Whoever finds it gone at the same time finds the renewal here.
    if (tokens.get(key) === before) {
      const { abortSignal: _, ...shared } = options ?? {};
      tokens.set(key, credential.getToken(scopes, shared));
    }
    return await tokens.get(key)!;
  };
  const forget = () => {
    tokens.clear();
    // The SDK's credential keeps tokens of its own.
    credential = make(entra);
  };
  return { credential: { getToken }, fault: () => fault, forget };
}
