/** Every kind of channel, made of the config. */
import type { Clock } from '../../clock.ts';
import type { ChannelConfig } from '../../config/config.ts';
import type { SecretReference } from '../../config/secret-reference.ts';
import type { Severity } from '../../finding.ts';
import { rememberSecret, type Secret } from '../../secret.ts';
import type { Transport } from '../../transport/transport.ts';
import type { Channel } from './channel.ts';
import { emailChannel } from './email.ts';
import { pagerDutyChannel, pagerDutyUrl } from './pagerduty.ts';
import { slackChannel } from './slack.ts';
import { teamsChannel } from './teams.ts';
import { webhookChannel } from './webhook.ts';

export interface ChannelParts {
  readonly name: string;
  readonly from: Severity;
  /** May write: a notice is no write to a gate. Gates never get this one. */
  readonly transport: Transport;
  readonly clock: Clock;
  /** Which Postern says it. */
  readonly source: string;
}

export interface OpenChannelOptions extends Omit<ChannelParts, 'name' | 'from'> {
  /** Throws a ConfigError when the secret is not there. */
  secretOf(reference: SecretReference): Secret;
}

/** Throws a ConfigError when a secret is not there. */
export function openChannel(config: ChannelConfig, options: OpenChannelOptions): Channel {
  const parts = { ...options, name: config.name, from: config.from };
  const { secretOf } = options;
  switch (config.kind) {
    case 'webhook':
      return webhookChannel(parts, {
        url: urlOf(secretOf(config.url)),
        secret: config.secret && secretOf(config.secret),
      });
    case 'slack':
      return slackChannel(parts, { url: urlOf(secretOf(config.url)) });
    case 'teams':
      return teamsChannel(parts, { url: urlOf(secretOf(config.url)) });
    case 'pagerduty':
      return pagerDutyChannel(parts, {
        routingKey: secretOf(config.routingKey),
        url: config.url ?? pagerDutyUrl,
      });
    case 'email': {
      const password = config.password && secretOf(config.password);
      return emailChannel(parts, { ...config, from: config.sender, password });
    }
  }
}

/** Whoever has the address can write to the channel; errors show a URL without its query, or its path alone. */
function urlOf(secret: Secret): Secret {
  const url = URL.parse(secret.reveal());
  for (const part of [url?.pathname, url?.search]) if (part && part.length > 12) rememberSecret(part);
  return secret;
}
