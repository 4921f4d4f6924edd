/** The shape of `server:` in `postern.yaml`, and the config made of it. */
import { z } from 'zod';
import type { ServerConfig, TokenConfig } from './config.ts';
import { secretReference, text } from './fields.ts';
import type { SecretReference } from './secret-reference.ts';

export const defaultListen = '127.0.0.1:8930';

/** What a token may be given for. Reading needs none, unless the config says so. */
export const tokenRights = ['read', 'sync', 'approve'] as const;

const listen = text(value =>
  parseListen(value)
    ? undefined
    : {
        message: `expected an address and a port, such as ${defaultListen} or [::]:8930; got ${JSON.stringify(value)}.`,
      },
);

export const server = z
  .strictObject({
    listen: listen
      .meta({
        description: 'Where to listen. Anything but this machine must be said here.',
        default: defaultListen,
      })
      .optional(),
    hosts: z
      .array(
        text(value =>
          /^[a-z0-9.-]{1,253}$/i.test(value)
            ? undefined
            : { message: 'expected a host name without a port.' },
        ),
      )
      .meta({
        description: 'Further names by which it is called, such as a reverse proxy’s. Others are refused.',
      })
      .optional(),
    anonymousRead: z
      .boolean()
      .meta({ description: 'Whether reading needs no token.', default: true })
      .optional(),
    tokens: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(63),
          hash: text(value =>
            /^sha256:[0-9a-f]{64}$/.test(value)
              ? undefined
              : {
                  message: 'expected the hash of a token, sha256:…; got something else, which is not shown.',
                  remedy: 'Make a token with `postern token`, and write its hash here.',
                },
          ),
          may: z.array(z.enum(tokenRights)).min(1).optional(),
        }),
      )
      .meta({ description: 'Who may do more than read. `postern token` makes one.' })
      .optional(),
    atlasWebhook: z
      .strictObject({ secret: secretReference })
      .meta({
        description:
          'Takes alerts of Atlas at /hooks/atlas, signed with this secret, as hints to look sooner.',
      })
      .optional(),
  })
  .meta({ description: 'The HTTP API, metrics and health of `postern watch`. Without it nothing listens.' });

export type ServerText = z.infer<typeof server>;

export function toServer(given: ServerText, reference: (text: string) => SecretReference): ServerConfig {
  const { atlasWebhook } = given;
  return {
    ...parseListen(given.listen ?? defaultListen)!,
    hosts: (given.hosts ?? []).map(host => host.toLowerCase()),
    anonymousRead: given.anonymousRead ?? true,
    tokens: (given.tokens ?? []).map(
      ({ name, hash, may }): TokenConfig => ({ name, hash, may: may ?? tokenRights }),
    ),
    atlasWebhookSecret: atlasWebhook && reference(atlasWebhook.secret),
  };
}

/** `host:port`; an IPv6 address stands in brackets. Undefined when it is not that. */
export function parseListen(value: string): { readonly host: string; readonly port: number } | undefined {
  const [, v6, name, digits] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+)):(\d{1,5})$/i.exec(value) ?? [];
  const host = v6 ?? name;
  const port = Number(digits);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}
