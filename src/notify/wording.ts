/** A notice in words, the same on every channel. Pure. */

import { printable } from '../plan/render/printable.ts';
import { formatTimestamp } from '../plan/render/time.ts';
import { andMore } from '../plan/render/words.ts';
import { redactSecrets } from '../secret.ts';
import type { Notice, NoticeKind } from './situation.ts';

/** More addresses than these are for the plan, not for a message. */
const shownAddresses = 12;

const openings: Readonly<Record<NoticeKind, string | undefined>> = {
  opened: undefined,
  worsened: 'Worse now',
  reminder: 'Still so',
  resolved: 'Over',
  event: undefined,
};

export interface Wording {
  /** One line: `[error] production: …`. */
  readonly title: string;
  /** Label and text of what there is to know, in order; none is empty. */
  readonly facts: readonly (readonly [label: string, text: string])[];
}

/** @param source which Postern says it, such as its host, where several write to one channel */
export function wordingOf(notice: Notice, source: string): Wording {
  const { situation, kind } = notice;
  const { severity, gate, message, addresses, did, remedy } = situation;
  const opening = openings[kind];
  const mark = kind === 'resolved' ? 'resolved' : severity;
  const facts: [string, string | undefined][] = [
    ['Gate', gate],
    ['Since', kind === 'event' ? undefined : formatTimestamp(notice.sinceMs)],
    ['Addresses', addresses.length > 0 ? andMore(addresses, shownAddresses, ', ') : undefined],
    ['Postern', kind === 'resolved' ? undefined : did],
    ['To do', kind === 'resolved' ? undefined : remedy],
    ['From', source],
  ];
  return {
    title: safe(`[${mark}] ${opening === undefined ? '' : `${opening}: `}${message}`),
    facts: facts.flatMap(([label, text]) =>
      text === undefined || text === '' ? [] : [[label, safe(text)] as const],
    ),
  };
}

export function plainText({ title, facts }: Wording): string {
  return [title, '', ...facts.map(([label, text]) => `${label}: ${text}`)].join('\n');
}

/** Names of clusters, and what servers said, are other people's text. */
function safe(text: string): string {
  return printable(redactSecrets(text));
}
