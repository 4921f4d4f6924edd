/**
 * A signed webhook, for anything that is not foreseen here. The body is the notice as JSON; the signature is
 * over the time and the body, so that a receiver can refuse what is old or changed:
 *
 *   X-Postern-Timestamp: 1787000000            (seconds)
 *   X-Postern-Signature: v1=HEX                (HMAC-SHA256 of `${timestamp}.${body}` with the shared secret)
 */
import { createHmac } from 'node:crypto';
import { redactInJson, redactSecrets, type Secret } from '../../secret.ts';
import { wordingOf } from '../wording.ts';
import { type Channel, postJson } from './channel.ts';
import type { ChannelParts } from './index.ts';

export function webhookChannel(
  parts: ChannelParts,
  options: { readonly url: Secret; readonly secret: Secret | undefined },
): Channel {
  const { name, from, source, clock } = parts;
  return {
    kind: 'webhook',
    name,
    from,
    async send(notice) {
      const { title, facts } = wordingOf(notice, source);
      const { id, kind, situation, atMs, sinceMs } = notice;
      const said = {
        version: 1,
        id,
        kind,
        at: new Date(atMs).toISOString(),
        since: new Date(sinceMs).toISOString(),
        source,
        situation: { ...situation, message: title.replace(/^\[\w+\] /, '') },
        text: [title, ...facts.map(([label, text]) => `${label}: ${text}`)].join('\n'),
      };
      // A situation's other texts are as the daemon has them, with what a cloud said in them.
      const body = JSON.stringify(said, redactInJson);
      const timestamp = String(Math.floor(clock.now() / 1000));
      const signature = options.secret && signatureOf(options.secret, timestamp, body);
      await postJson(parts, options.url.reveal(), body, {
        'x-postern-id': encodeURIComponent(redactSecrets(id)),
        'x-postern-timestamp': timestamp,
        ...(signature !== undefined && { 'x-postern-signature': signature }),
      });
    },
  };
}

export function signatureOf(secret: Secret, timestamp: string, body: string): string {
  return `v1=${createHmac('sha256', secret.reveal()).update(`${timestamp}.${body}`).digest('hex')}`;
}
