/**
 * PagerDuty's Events API v2: https://developer.pagerduty.com/docs/events-api-v2/overview/. The situation's key is
 * the deduplication key, so that one situation is one incident, and its end resolves that incident. Which host
 * says it is for people alone: the end may come from another worker of the fleet, or from the next pod.
 */
import { createHash } from 'node:crypto';
import type { Secret } from '../../secret.ts';
import type { Notice } from '../situation.ts';
import { wordingOf } from '../wording.ts';
import { type Channel, postJson } from './channel.ts';
import type { ChannelParts } from './index.ts';

export const pagerDutyUrl = 'https://events.pagerduty.com/v2/enqueue';

/** `summary` may have 1,024 characters, `dedup_key` 255. */
const maxSummaryLength = 1_024;
const severityOf = { error: 'critical', warning: 'warning', info: 'info' } as const;

export function pagerDutyChannel(
  parts: ChannelParts,
  options: { readonly routingKey: Secret; readonly url: string },
): Channel {
  const { name, from, source } = parts;
  return {
    kind: 'pagerduty',
    name,
    from,
    async send(notice) {
      const { title, facts } = wordingOf(notice, source);
      const { situation } = notice;
      const event = {
        routing_key: options.routingKey.reveal(),
        event_action: notice.kind === 'resolved' ? 'resolve' : 'trigger',
        dedup_key: deduplicationKey(notice, name),
        ...(notice.kind !== 'resolved' && {
          payload: {
            summary: title.slice(0, maxSummaryLength),
            source,
            severity: severityOf[situation.severity],
            timestamp: new Date(notice.sinceMs).toISOString(),
            component: situation.gate ?? situation.feed ?? 'postern',
            group: 'postern',
            class: situation.id,
            custom_details: Object.fromEntries(facts),
          },
        }),
      };
      await postJson(parts, options.url, JSON.stringify(event));
    },
  };
}

/** The channel's name, from the config that all workers share, tells apart Posterns with one routing key. */
function deduplicationKey({ situation }: Notice, channel: string): string {
  return `postern-${createHash('sha256').update(`${channel}\n${situation.key}`).digest('hex').slice(0, 40)}`;
}
