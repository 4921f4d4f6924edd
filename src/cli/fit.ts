import { stripVTControlCharacters } from 'node:util';
import { columnsOf } from '../plan/render/wrap.ts';

/**
 * Sentences with styles in them, broken between words where a line is wider than the terminal, and indented by
 * two below their beginning. A word that is wider by itself stays whole, so that a URL can be copied.
 */
export function fitTo(text: string, columns: number): string {
  return text
    .split('\n')
    .map(line => fitLine(line, columns))
    .join('\n');
}

function fitLine(line: string, columns: number): string {
  if (widthOf(line) <= columns) return line;
  const [, space = '', sentence = ''] = /^( *)(.*)$/s.exec(line)!;
  const lines: string[] = [];
  let current = space;
  for (const word of sentence.split(' ')) {
    const isFirst = current.trim() === '';
    if (!isFirst && widthOf(current) + 1 + widthOf(word) > columns) {
      lines.push(current);
      current = `${space}  ${word}`;
    } else {
      current += isFirst ? word : ` ${word}`;
    }
  }
  return [...lines, current].join('\n');
}

function widthOf(text: string): number {
  return columnsOf(stripVTControlCharacters(text));
}
