/** The renderers of a plan. Pure: they print what the plan holds, and decide nothing. */
import type { Plan } from '../plan.ts';
import { renderHtml } from './html.ts';
import { renderJson } from './json.ts';
import { renderMarkdown } from './markdown.ts';
import type { RenderOptions } from './options.ts';
import { renderText } from './text.ts';

export type { RenderOptions } from './options.ts';
export { PlanFileError, parsePlanFile } from './plan-file.ts';
export { formatDuration, formatRelative, formatTimestamp } from './time.ts';

export const planFormats = ['text', 'json', 'markdown', 'html'] as const;
export type PlanFormat = (typeof planFormats)[number];

const renderers: Readonly<Record<PlanFormat, (plans: readonly Plan[], options: RenderOptions) => string>> = {
  text: renderText,
  json: renderJson,
  markdown: renderMarkdown,
  html: renderHtml,
};

/** Plans, one for each gate, in one of the formats; ends with a newline. */
export function renderPlan(plans: readonly Plan[], format: PlanFormat, options: RenderOptions): string {
  return renderers[format](plans, options);
}
