/** Plans for a pull-request comment, in GitHub Flavored Markdown. */
import type { EntryAction, Plan } from '../plan.ts';
import { groupEntries, groupFindings } from './groups.ts';
import { code, prose } from './markdown-escape.ts';
import type { RenderOptions } from './options.ts';
import {
  actionOrder,
  actionTitles,
  alarms,
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

/** A comment on GitHub holds 65536 characters, so lists of what stays are cut unless `verbose`. */
const shownLikeIt = 10;

/** Plans as Markdown: a summary table, and per gate what is wrong, what changes, and the facts. */
export function renderMarkdown(plans: readonly Plan[], options: RenderOptions): string {
  const blocks = [
    '## Postern plan',
    plans.length === 0 ? 'No gate, so no plan.' : summary(plans),
    ...plans.flatMap(plan => gateBlocks(plan, options)),
    `**Next:** ${prose(nextCommand(plans))}`,
  ];
  return `${blocks.join('\n\n')}\n`;
}

function summary(plans: readonly Plan[]): string {
  const numbers = ['open', 'close', 'retain'] as const;
  return table(
    ['Gate', 'Policy', 'Missing now', 'To let in', 'To remove', 'Retained', 'Usage after'],
    plans.map(plan => [
      code(plan.gate.name),
      code(plan.policy),
      plan.missing.length === 0 ? '0' : `**${plan.missing.length}**`,
      ...numbers.map(action => String(countAction(plan, action))),
      prose(`${plan.usage.after.used} of ${plan.usage.after.limit} ${plan.usage.after.unit}`),
    ]),
  );
}

function gateBlocks(plan: Plan, options: RenderOptions): readonly string[] {
  const { gate, policy, guards } = plan;
  return [
    `### ${code(gate.name)} ${gate.kind}, ${policy}`,
    `**${prose(capitalize(verdict(plan)))}.**`,
    ...alarms(plan).map(sentence => `> **Attention:** ${prose(sentence)}`),
    list(
      guards.map(
        ({ guard, blocks, message, remedy }) =>
          `**guard** ${code(guard)} stops ${blocks === 'write' ? 'every write' : 'removals'}: ${prose(message)} *Do:* ${prose(remedy)}`,
      ),
    ),
    list(findingItems(plan, options)),
    ...actionOrder.map(action => entryBlock(plan, action, options)),
    details('Feeds, writes and usage', list(facts(plan, options))),
  ].filter(block => block !== '');
}

function findingItems(plan: Plan, { verbose }: RenderOptions): readonly string[] {
  return groupFindings(plan, ['error', 'warning', 'info']).map(({ first, findings }) => {
    const shown = verbose ? findings : findings.slice(0, shownLikeIt);
    const rest = findings.length - shown.length;
    const sentences = [
      ...shown.map(({ message }) => prose(message)),
      ...(rest > 0 ? [`And ${rest} more like it.`] : []),
      ...(first.remedy === undefined ? [] : [`*Do:* ${prose(first.remedy)}`]),
    ];
    return `**${first.severity}** ${code(first.id)}: ${sentences.join(' ')}`;
  });
}

function entryBlock(plan: Plan, action: EntryAction, { verbose, nowMs }: RenderOptions): string {
  const number = countAction(plan, action);
  if (number === 0) return '';
  const title = `${code(signs[action])} ${countEntries(number)} ${actionTitles[action]}`;
  if (!verbose && (action === 'keep' || action === 'leave')) return title;
  const rows = groupEntries(plan, action, nowMs).map(({ reason, entries }) => [
    countAddresses(entries.length),
    prose(reason),
    entries.map(({ cidr }) => code(cidr)).join(' '),
  ]);
  return details(title, table(['', 'Why', 'Addresses'], rows));
}

function facts(plan: Plan, { nowMs }: RenderOptions): readonly string[] {
  return [
    ...plan.feeds.flatMap(feed => [
      `feed ${code(feed.feed)}: ${describeFeed(feed, nowMs)}${feed.faults.map(fault => `<br>${prose(fault)}`).join('')}`,
    ]),
    ...(plan.adopts.length > 0 ? [`adopts ${plan.adopts.map(code).join(' ')}`] : []),
    ...plan.steps.map(step => `write, ${describeStep(step)}`),
    `usage: ${describeUsage(plan)}`,
    `plan ${code(shortChecksum(plan))}, ${describeMaking(plan, nowMs)}`,
  ];
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

function list(items: readonly string[]): string {
  return items.map(item => `- ${item}`).join('\n');
}

function details(title: string, content: string): string {
  // Without the empty lines, GitHub takes the content for HTML.
  return `<details><summary>${title}</summary>\n\n${content}\n\n</details>`;
}

function capitalize(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
