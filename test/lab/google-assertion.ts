import { sign } from 'node:crypto';

/** The JWT by which a service account's key asks for a token (RFC 7523), signed here and not by a library. */
export function signedAssertion(keyFile: string, claims: object = {}, header: object = {}): string {
  const { client_email, private_key } = JSON.parse(keyFile);
  const now = Math.floor(Date.now() / 1_000);
  const payload = {
    iss: client_email,
    scope: 'https://www.googleapis.com/auth/cloud-platform',
    aud: 'https://oauth2.googleapis.com/token',
    iat: now,
    exp: now + 3_600,
    ...claims,
  };
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const signed = `${encode({ alg: 'RS256', typ: 'JWT', ...header })}.${encode(payload)}`;
  return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), private_key).toString('base64url')}`;
}
