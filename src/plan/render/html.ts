/** Plans as one page to send or to print: no script, nothing loaded, every text escaped. */
import type { EntryAction, Plan } from '../plan.ts';
import { groupEntries, groupFindings } from './groups.ts';
import { each, html, type Safe } from './html-escape.ts';
import { styleSheet } from './html-style.ts';
import type { RenderOptions } from './options.ts';
import { formatTimestamp } from './time.ts';
import {
  actionOrder,
  actionTitles,
  alarms,
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

/** Plans as a self-contained HTML page. Entries that stay are folded away unless `verbose`. */
export function renderHtml(plans: readonly Plan[], options: RenderOptions): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>Postern plan, ${count(plans.length, 'gate')}</title>
<style>${styleSheet}</style>
</head>
<body>
<header>
<h1>Postern plan</h1>
<p>${count(plans.length, 'gate')}, shown ${formatTimestamp(options.nowMs)}</p>
</header>
<main>
${plans.length === 0 ? html`<p>No gate, so no plan.</p>` : ''}
${each(plans, plan => gateSection(plan, options))}
</main>
<footer><p><strong>Next:</strong> ${prose(nextCommand(plans))}</p></footer>
</body>
</html>
`;
  return page.markup;
}

function gateSection(plan: Plan, options: RenderOptions): Safe {
  const { gate, policy } = plan;
  return html`<section class="gate">
<h2>${gate.name}</h2>
<p class="kind">${gate.kind} · policy ${policy}</p>
<p class="verdict">${verdict(plan)}</p>
${each(alarms(plan), sentence => html`<p class="alarm" role="alert">${sentence}</p>`)}
${figures(plan)}
${notices(plan, options)}
${each(actionOrder, action => entryTable(plan, action, options))}
${facts(plan, options)}
</section>
`;
}

function figures(plan: Plan): Safe {
  const numbers: readonly (readonly [EntryAction | 'missing', number, string])[] = [
    ['missing', plan.missing.length, 'missing now'],
    ['open', countAction(plan, 'open'), 'to let in'],
    ['close', countAction(plan, 'close'), 'to remove'],
    ['retain', countAction(plan, 'retain'), 'retained'],
    ['keep', countAction(plan, 'keep'), 'kept'],
    ['leave', countAction(plan, 'leave'), 'left alone'],
  ];
  return html`<dl class="figures">
${each(numbers, ([name, number, label]) => html`<div class="${number === 0 ? 'zero' : name}"><dt>${label}</dt><dd>${String(number)}</dd></div>\n`)}</dl>`;
}

function notices(plan: Plan, { verbose }: RenderOptions): Safe {
  const guards = plan.guards.map(
    ({ guard, blocks, message, remedy }) =>
      html`<li class="${blocks === 'write' ? 'error' : 'warning'}"><p class="tag">guard <code>${guard}</code> stops ${blocks === 'write' ? 'every write' : 'removals'}</p><p>${prose(message)}</p><p class="remedy">${prose(remedy)}</p></li>\n`,
  );
  const findings = groupFindings(plan, ['error', 'warning', 'info']).map(({ first, findings }) => {
    const { severity, id, remedy } = first;
    const [shown, rest] = verbose ? [findings, []] : [findings.slice(0, 3), findings.slice(3)];
    return html`<li class="${severity}"><p class="tag">${severity} <code>${id}</code></p>${each(shown, ({ message }) => html`<p>${prose(message)}</p>`)}${
      rest.length === 0
        ? ''
        : html`<details><summary>${String(rest.length)} more like it</summary>${each(rest, ({ message }) => html`<p>${prose(message)}</p>`)}</details>`
    }${remedy === undefined ? '' : html`<p class="remedy">${prose(remedy)}</p>`}</li>\n`;
  });
  const all = [...guards, ...findings];
  return all.length === 0 ? html`` : html`<ul class="notices">\n${each(all, item => item)}</ul>`;
}

function entryTable(plan: Plan, action: EntryAction, { verbose, nowMs }: RenderOptions): Safe {
  const number = countAction(plan, action);
  if (number === 0) return html``;
  const folded = !verbose && (action === 'keep' || action === 'leave');
  return html`<details class="entries ${action}"${folded ? '' : html` open`}>
<summary><span class="sign">${signs[action]}</span> ${countEntries(number)} ${actionTitles[action]}</summary>
<table>
<thead><tr><th scope="col">Why</th><th scope="col">Addresses</th></tr></thead>
<tbody>
${each(
  groupEntries(plan, action, nowMs),
  ({ reason, entries }) =>
    html`<tr><td>${reason}<br><small>${countAddresses(entries.length)}</small></td><td><ul class="cidrs">${each(entries, ({ cidr }) => html`<li>${cidr}</li> `)}</ul></td></tr>\n`,
)}</tbody>
</table>
</details>
`;
}

function facts(plan: Plan, { nowMs }: RenderOptions): Safe {
  return html`<dl class="facts">
${each(
  plan.feeds,
  feed =>
    html`<div><dt>${feed.feed}</dt><dd${feed.complete ? '' : html` class="incomplete"`}>${describeFeed(feed, nowMs)}${each(feed.faults, fault => html`<br>${fault}`)}</dd></div>\n`,
)}${plan.adopts.length === 0 ? '' : html`<div><dt>adopts</dt><dd>${plan.adopts.join(', ')}</dd></div>\n`}${each(
  plan.steps,
  step => html`<div><dt>write</dt><dd>${describeStep(step)}</dd></div>\n`,
)}<div><dt>usage</dt><dd>${describeUsage(plan)}</dd></div>
<div><dt>plan</dt><dd><code>${shortChecksum(plan)}</code>, ${describeMaking(plan, nowMs)}</dd></div>
</dl>`;
}

/** A sentence whose words between backticks are code. */
function prose(text: string): Safe {
  const parts = text.split('`');
  if (parts.length % 2 === 0) return html`${text}`;
  return each(parts, (part, index) => (index % 2 === 0 ? html`${part}` : html`<code>${part}</code>`));
}
