/** HTML that cannot be put together without escaping: only this module makes a `Safe`. */
import { printable } from './printable.ts';

export interface Safe {
  readonly markup: string;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A template whose values are escaped, unless they are `Safe`. Quote every attribute that takes a value. */
export function html(literals: TemplateStringsArray, ...values: readonly (string | Safe)[]): Safe {
  const markup = literals.map(
    (literal, index) => literal + (index < values.length ? escaped(values[index]!) : ''),
  );
  return { markup: markup.join('') };
}

/** One piece of HTML after another. */
export function each<T>(items: readonly T[], render: (item: T, index: number) => Safe): Safe {
  return { markup: items.map((item, index) => render(item, index).markup).join('') };
}

function escaped(value: string | Safe): string {
  if (typeof value !== 'string') return value.markup;
  return printable(value).replaceAll(/[&<>"']/g, character => entities[character]!);
}
