/** A plan for a terminal, for someone who was woken up: the verdict, what is wrong, then what changes. */
import { styleText } from 'node:util';
import type { Severity } from '../../finding.ts';
import type { EntryAction, Plan } from '../plan.ts';
import { groupEntries, groupFindings } from './groups.ts';
import type { RenderOptions } from './options.ts';
import {
  actionOrder,
  actionTitles,
  alarms,
  andMore,
  count,
  countAction,
  countAddresses,
  countEntries,
  describeFeed,
  describeMaking,
  describeStep,
  describeUsage,
  nextCommand,
  shortChecksum,
  signs,
  verdict,
} from './words.ts';
import { wrap } from './wrap.ts';

/** Below this a line holds no address, and wrapping has no sense. */
const narrowestColumns = 10;
const shownAddresses = 4;
const shownLikeIt = 3;

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'plain';

const actionStyles: Readonly<Record<EntryAction, Style>> = {
  open: 'green',
  close: 'red',
  retain: 'yellow',
  keep: 'dim',
  leave: 'dim',
};

const severityStyles: Readonly<Record<Severity, Style>> = { error: 'red', warning: 'yellow', info: 'cyan' };

/** One paragraph, not yet wrapped. `label` stands before its first line and indents the others. */
interface Paragraph {
  readonly indent: number;
  readonly label?: string;
  readonly text: string;
  readonly labelStyle?: Style;
  readonly style?: Style;
}

/** Plans as text; no line is wider than `width` (10 columns at least), and no name brings an escape code. */
export function renderText(plans: readonly Plan[], options: RenderOptions): string {
  const blocks = plans.map(plan => gateParagraphs(plan, options));
  const next: Paragraph = {
    indent: 0,
    label: 'Next: ',
    text: options.next || nextCommand(plans),
    labelStyle: 'bold',
  };
  const paragraphs: readonly Paragraph[] = [
    ...blocks.flatMap(block => [...block, blank]),
    ...(plans.length === 0 ? [{ indent: 0, text: 'No gate, so no plan.' }] : []),
    ...(options.next === false ? [] : [next]),
  ];
  return `${paragraphs.flatMap(paragraph => layOut(paragraph, options)).join('\n')}\n`;
}

const blank: Paragraph = { indent: 0, text: '' };

function gateParagraphs(plan: Plan, options: RenderOptions): readonly Paragraph[] {
  const { gate, policy } = plan;
  const sections = [
    guardParagraphs(plan),
    findingParagraphs(plan, ['error'], options),
    entryParagraphs(plan, options),
    findingParagraphs(plan, ['warning', 'info'], options),
    factParagraphs(plan, options),
  ];
  return [
    { indent: 0, text: `${gate.name}  ${gate.kind}  ${policy}: ${verdict(plan)}`, style: 'bold' },
    ...alarms(plan, options.verbose ? Number.POSITIVE_INFINITY : shownAddresses).map(
      (text): Paragraph => ({ indent: 2, label: '! ', text, labelStyle: 'red', style: 'red' }),
    ),
    ...sections.filter(section => section.length > 0).flatMap(section => [blank, ...section]),
  ];
}

function guardParagraphs({ guards }: Plan): readonly Paragraph[] {
  return guards.flatMap(({ guard, blocks, message, remedy }) => [
    {
      indent: 2,
      label: 'guard  ',
      text: `${guard} stops ${blocks === 'write' ? 'every write' : 'removals'}`,
      labelStyle: blocks === 'write' ? 'red' : 'yellow',
    },
    { indent: 4, text: message },
    { indent: 4, label: 'do: ', text: remedy, labelStyle: 'bold' },
  ]);
}

function findingParagraphs(
  plan: Plan,
  severities: readonly Severity[],
  { verbose }: RenderOptions,
): readonly Paragraph[] {
  return groupFindings(plan, severities).flatMap(({ first: { severity, id, remedy }, findings }) => {
    const shown = verbose ? findings : findings.slice(0, shownLikeIt);
    const rest = findings.length - shown.length;
    const paragraphs: readonly Paragraph[] = [
      { indent: 2, label: `${severity}  `, text: id, labelStyle: severityStyles[severity] },
      ...shown.map(({ message }): Paragraph => ({ indent: 4, text: message })),
      ...(rest > 0 ? [{ indent: 4, text: `and ${rest} more like it`, style: 'dim' as const }] : []),
      ...(remedy === undefined
        ? []
        : [{ indent: 4, label: 'do: ', text: remedy, labelStyle: 'bold' as const }]),
    ];
    return paragraphs;
  });
}

function entryParagraphs(plan: Plan, options: RenderOptions): readonly Paragraph[] {
  return actionOrder.flatMap(action => {
    const quiet = action === 'keep' || action === 'leave';
    return quiet && !options.verbose ? countParagraph(plan, action) : groupParagraphs(plan, action, options);
  });
}

function countParagraph(plan: Plan, action: EntryAction): readonly Paragraph[] {
  const number = countAction(plan, action);
  if (number === 0) return [];
  const style = actionStyles[action];
  return [
    { indent: 2, label: `${signs[action]} `, text: `${countEntries(number)} ${actionTitles[action]}`, style },
  ];
}

function groupParagraphs(
  plan: Plan,
  action: EntryAction,
  { verbose, nowMs }: RenderOptions,
): readonly Paragraph[] {
  return groupEntries(plan, action, nowMs).flatMap(({ reason, entries }) => {
    const list = entries.map(({ cidr }) => cidr);
    const label = `${signs[action]} `;
    const labelStyle = actionStyles[action];
    if (list.length === 1) return [{ indent: 2, label, text: `${list[0]}  ${reason}`, labelStyle }];
    const listed: readonly string[] = verbose ? list : [andMore(list, shownAddresses, ', ')];
    return [
      { indent: 2, label, text: `${countAddresses(list.length)}  ${reason}`, labelStyle },
      ...listed.map((text): Paragraph => ({ indent: 6, text, style: 'dim' })),
    ];
  });
}

function factParagraphs(plan: Plan, { verbose, nowMs }: RenderOptions): readonly Paragraph[] {
  const fact = (label: string, text: string): Paragraph => ({
    indent: 2,
    label: label.padEnd(8),
    text,
    labelStyle: 'dim',
  });
  const feeds = plan.feeds.flatMap((feed, index) => {
    const shown = verbose ? feed.faults : feed.faults.slice(0, shownLikeIt);
    const rest = feed.faults.length - shown.length;
    return [
      {
        ...fact(index === 0 ? 'feeds' : '', `${feed.feed}  ${describeFeed(feed, nowMs)}`),
        ...(feed.complete ? {} : { style: 'yellow' as const }),
      },
      ...shown.map((text): Paragraph => ({ indent: 12, text, style: 'yellow' })),
      ...(rest > 0 ? [{ indent: 12, text: `and ${count(rest, 'more fault')}` }] : []),
    ];
  });
  const adopts = andMore(plan.adopts, verbose ? Number.POSITIVE_INFINITY : shownAddresses, ', ');
  return [
    ...feeds,
    ...(plan.adopts.length > 0 ? [fact('adopts', `${countEntries(plan.adopts.length)}: ${adopts}`)] : []),
    ...plan.steps.map((step, index) => fact(index === 0 ? 'writes' : '', describeStep(step))),
    fact('usage', describeUsage(plan)),
    fact('plan', `${shortChecksum(plan)}, ${describeMaking(plan, nowMs)}`),
  ];
}

function layOut({ indent, label = '', text, labelStyle, style }: Paragraph, options: RenderOptions) {
  const width = Math.max(narrowestColumns, options.width || narrowestColumns);
  // On a narrow terminal the words need the room more than the indentation does.
  const margin = ' '.repeat(Math.min(indent, Math.floor(width / 4)));
  const hang = ' '.repeat(Math.min(label.length, Math.floor(width / 4)));
  const fits = label.length <= hang.length;
  const paint = (words: string, name: Style = 'plain') =>
    options.color && name !== 'plain' && words !== ''
      ? styleText(name, words, { validateStream: false })
      : words;

  const lines = wrap(fits ? text : `${label}${text}`, width - margin.length - hang.length);
  return lines.map((line, index) => {
    const start = fits && index === 0 ? paint(label, labelStyle ?? style ?? 'plain') : hang;
    return `${margin}${start}${paint(line, style)}`.trimEnd();
  });
}
