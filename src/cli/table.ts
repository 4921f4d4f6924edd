import { printable } from '../plan/render/printable.ts';

export interface TableColumn {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** May be cut, with an ellipsis, when the table is wider than the terminal. */
  readonly shrinks?: boolean;
}

const gap = '  ';
const leastWidth = 8;

/** A table of text, each line at most `width` characters where that can be had; no newline at its end. */
export function renderTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  width: number,
  styleTitle: (text: string) => string = text => text,
): string {
  const cells = rows.map(row => columns.map((_, index) => printable(row[index] ?? '')));
  const widths = columns.map(({ title }, index) =>
    cells.reduce((widest, row) => Math.max(widest, lengthOf(row[index]!)), lengthOf(title)),
  );
  shrink(columns, widths, width);
  const line = (row: readonly string[], style = (text: string) => text) =>
    row
      .map((cell, index) => style(pad(cell, widths[index]!, columns[index]!.align ?? 'left')))
      .join(gap)
      .trimEnd();
  return [
    line(
      columns.map(({ title }) => title),
      styleTitle,
    ),
    ...cells.map(row => line(row)),
  ].join('\n');
}

/** Takes from the widest column that may shrink, until the table fits. */
function shrink(columns: readonly TableColumn[], widths: number[], width: number): void {
  let excess = widths.reduce((sum, each) => sum + each, 0) + gap.length * (columns.length - 1) - width;
  while (excess > 0) {
    let widest = -1;
    for (const [index, column] of columns.entries()) {
      const shrinks = column.shrinks === true && widths[index]! > leastWidth;
      if (shrinks && (widest === -1 || widths[index]! > widths[widest]!)) widest = index;
    }
    if (widest === -1) return;
    widths[widest]! -= 1;
    excess--;
  }
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const length = lengthOf(text);
  if (length > width) return `${[...text].slice(0, width - 1).join('')}…`;
  const space = ' '.repeat(width - length);
  return align === 'right' ? space + text : text + space;
}

/** In code points: near enough for names and addresses. */
function lengthOf(text: string): number {
  return [...text].length;
}
