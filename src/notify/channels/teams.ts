/** Microsoft Teams, by a workflow's webhook: an Adaptive Card, the one form that workflows take. */
import type { Secret } from '../../secret.ts';
import { plainText, wordingOf } from '../wording.ts';
import { type Channel, postJson } from './channel.ts';
import type { ChannelParts } from './index.ts';

const colors = { error: 'attention', warning: 'warning', info: 'accent' } as const;

export function teamsChannel(parts: ChannelParts, options: { readonly url: Secret }): Channel {
  const { name, from, source } = parts;
  return {
    kind: 'teams',
    name,
    from,
    async send(notice) {
      const wording = wordingOf(notice, source);
      const color = notice.kind === 'resolved' ? 'good' : colors[notice.situation.severity];
      const card = {
        $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
        type: 'AdaptiveCard',
        version: '1.4',
        fallbackText: plainText(wording),
        body: [
          { type: 'TextBlock', text: escapeMarkdown(wording.title), weight: 'bolder', wrap: true, color },
          {
            type: 'FactSet',
            facts: wording.facts.map(([title, value]) => ({ title, value: escapeMarkdown(value) })),
          },
        ],
        msteams: { width: 'Full' },
      };
      const body = {
        type: 'message',
        attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content: card }],
      };
      await postJson(parts, options.url.reveal(), JSON.stringify(body));
    },
  };
}

/** An Adaptive Card reads some Markdown: no name of a cluster may become a link. */
function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_[\]()#]/g, String.raw`\$&`);
}
