/** The shape of `notify:` in `postern.yaml`, and the config made of it. */
import { z } from 'zod';
import { severities } from '../finding.ts';
import type { ChannelConfig } from './config.ts';
import { secretReference, text } from './fields.ts';
import type { SecretReference } from './secret-reference.ts';
import { isLoopbackHost, urlFault } from './urls.ts';

const defaultPort = { implicit: 465, starttls: 587, none: 25 } as const;

const common = {
  name: text(value =>
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(value)
      ? undefined
      : {
          message: `expected a name of letters, digits, dots, dashes, at most 63; got ${JSON.stringify(value)}.`,
        },
  ),
  from: z
    .enum(severities)
    .meta({
      description: 'The least severity that this channel is told: `error`, `warning`, or `info`.',
      default: 'warning',
    })
    .optional(),
};

const address = text(value =>
  /^[^\s@<>]+@[^\s@<>]+$/.test(value)
    ? undefined
    : { message: `expected an e-mail address; got ${JSON.stringify(value)}.` },
);

const email = z
  .strictObject({
    kind: z.literal('email'),
    ...common,
    host: z.string().min(1),
    port: z.int().min(1).max(65_535).optional(),
    tls: z
      .enum(['implicit', 'starttls', 'none'])
      .meta({ description: '`none` is for a server on this machine.', default: 'starttls' })
      .optional(),
    user: z.string().min(1).optional(),
    password: secretReference.optional(),
    sender: address,
    to: z.array(address).min(1),
  })
  .check(({ value, issues }) => {
    if (value.tls !== 'none' || isLoopbackHost(value.host)) return;
    const remedy = 'Set `tls: starttls`, or `implicit` for port 465.';
    const message = `expected TLS for a mail server elsewhere; got none for ${JSON.stringify(value.host)}.`;
    issues.push({ code: 'custom', message, params: { remedy }, path: ['tls'], input: value.tls });
  });

export const channel = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('webhook'),
    ...common,
    url: secretReference,
    secret: secretReference.meta({ description: 'Signs each message, with HMAC-SHA256.' }).optional(),
  }),
  z.strictObject({ kind: z.literal('slack'), ...common, url: secretReference }),
  z.strictObject({ kind: z.literal('teams'), ...common, url: secretReference }),
  z.strictObject({
    kind: z.literal('pagerduty'),
    ...common,
    routingKey: secretReference,
    url: text(urlFault).meta({ description: 'Another server than PagerDuty’s in the US.' }).optional(),
  }),
  email,
]);

export type ChannelText = z.infer<typeof channel>;

/** @param reference of the text of a secret reference that the schema let through */
export function toChannel(text: ChannelText, reference: (text: string) => SecretReference): ChannelConfig {
  const { name, from = 'warning' } = text;
  const optional = (given: string | undefined) => (given === undefined ? undefined : reference(given));
  switch (text.kind) {
    case 'webhook':
      return { name, from, kind: text.kind, url: reference(text.url), secret: optional(text.secret) };
    case 'slack':
    case 'teams':
      return { name, from, kind: text.kind, url: reference(text.url) };
    case 'pagerduty':
      return { name, from, kind: text.kind, routingKey: reference(text.routingKey), url: text.url };
    case 'email': {
      const { kind, host, tls = 'starttls', user, password, sender, to } = text;
      const port = text.port ?? defaultPort[tls];
      return { name, from, kind, host, port, tls, user, password: optional(password), sender, to };
    }
  }
}
