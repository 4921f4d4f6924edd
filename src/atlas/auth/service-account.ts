/**
 * Service accounts: an OAuth 2.0 token by client credentials, valid for an hour, kept until shortly before it
 * ends and renewed once when Atlas refuses it.
 */
import { z } from 'zod';
import { rememberSecret, rememberToken, type Secret } from '../../secret.ts';
import type { TransportRequest } from '../../transport/transport.ts';
import { AtlasError, atlasErrorOf } from '../errors.ts';
import type { Auth, AuthContext } from './auth.ts';

/** A token is not used in its last minute: the request must arrive while it is valid. */
const safetyMs = 60_000;

const tokenAnswer = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });

interface Token {
  readonly value: string;
  readonly validUntilMs: number;
}

export function serviceAccountAuth(
  context: AuthContext,
  credentials: { clientId: string; clientSecret: Secret },
): Auth {
  const { transport, clock, baseUrl } = context;
  let token: Promise<Token> | undefined;

  const current = async (): Promise<Token> => {
    const known = await token?.catch(() => undefined);
    if (known && clock.now() < known.validUntilMs) return known;
    return await renew();
  };
  /** Callers that find the token gone at the same time share one renewal. */
  let renewal: Promise<Token> | undefined;
  const renew = (): Promise<Token> => {
    renewal ??= fetchToken().finally(() => {
      renewal = undefined;
    });
    token = renewal;
    return renewal;
  };

  const fetchToken = async (): Promise<Token> => {
    const url = `${baseUrl}/api/oauth/token`;
    const basic = Buffer.from(`${credentials.clientId}:${credentials.clientSecret.reveal()}`).toString(
      'base64',
    );
    rememberSecret(basic);
    const response = await transport.send({
      method: 'POST',
      url,
      headers: {
        authorization: `Basic ${basic}`,
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'grant_type=client_credentials',
    });
    if (response.status !== 200) throw atlasErrorOf(url, response, 'POST');
    const answer = tokenAnswer.safeParse(parseJson(response.body));
    if (!answer.success) {
      throw new AtlasError(url, 200, '', 'The answer holds no token.', { method: 'POST' });
    }
    rememberToken(answer.data.access_token);
    return {
      value: answer.data.access_token,
      validUntilMs: clock.now() + Math.max(0, answer.data.expires_in * 1_000 - safetyMs),
    };
  };

  const signed = (request: TransportRequest, { value }: Token): TransportRequest => ({
    ...request,
    headers: { ...request.headers, authorization: `Bearer ${value}` },
  });

  return {
    async send(request) {
      const used = await current();
      const response = await transport.send(signed(request, used));
      if (response.status !== 401) return response;
      // Someone else may have renewed it while this request was under way.
      const latest = await current();
      return await transport.send(signed(request, latest.value === used.value ? await renew() : latest));
    },
  };
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}
