/** Slack's incoming webhooks: https://api.slack.com/messaging/webhooks. Block Kit, with a text for notifications. */
import type { Secret } from '../../secret.ts';
import { plainText, wordingOf } from '../wording.ts';
import { type Channel, postJson } from './channel.ts';
import type { ChannelParts } from './index.ts';

/** A section's text may have 3,000 characters, a header's 150. */
const maxSectionLength = 2_900;

export function slackChannel(parts: ChannelParts, options: { readonly url: Secret }): Channel {
  const { name, from, source } = parts;
  return {
    kind: 'slack',
    name,
    from,
    async send(notice) {
      const wording = wordingOf(notice, source);
      const details = wording.facts.map(([label, text]) => `*${label}:* ${escapeMrkdwn(text)}`).join('\n');
      const section = (text: string) => ({
        type: 'section',
        text: { type: 'mrkdwn', text: text.slice(0, maxSectionLength) },
      });
      const body = {
        text: escapeMrkdwn(plainText(wording)).slice(0, maxSectionLength),
        blocks: [section(`*${escapeMrkdwn(wording.title)}*`), section(details)],
        unfurl_links: false,
        unfurl_media: false,
      };
      await postJson(parts, options.url.reveal(), JSON.stringify(body));
    },
  };
}

/** What Slack asks to be escaped; without it `<!channel>` in a cluster's name would call everyone. */
function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
