/** Other people's text in Markdown: shown as it is, and never structure, a link, a mention or a tag. */
import { printable } from './printable.ts';

/** A name or an address in code style, with no character left that Markdown, tables or HTML act on. */
export function code(text: string): string {
  // Not backticks: inside a table, no number of them can hold both a backslash and a pipe.
  return `<code>${encode(text, /[^A-Za-z0-9 :/.-]/gu)}</code>`;
}

/** A sentence; what stands between backticks becomes code, everything else is plain words. */
export function prose(text: string): string {
  const parts = text.split('`');
  const balanced = parts.length % 2 === 1;
  if (!balanced) return words(text);
  return parts.map((part, index) => (index % 2 === 0 ? words(part) : code(part))).join('');
}

function words(text: string): string {
  return (
    encode(text, /[&<>|\\*_[\](){}~!$`"]/g)
      // An entity does not stop GitHub from reading a mention or an issue number; a zero-width space does.
      .replaceAll(/@|#(?=[0-9])(?<!&#)/g, '$&&#8203;')
  );
}

function encode(text: string, special: RegExp): string {
  return printable(text).replaceAll(special, character => `&#${character.codePointAt(0)};`);
}
