import { printable } from '../plan/render/printable.ts';
import { wrap } from '../plan/render/wrap.ts';

export interface TableColumn {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** May be cut, with an ellipsis, when the table is wider than the terminal. */
  readonly shrinks?: boolean;
  /** The last column alone: stands below its row when the table is wider than the terminal. */
  readonly goesBelow?: boolean;
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
  const last = columns.at(-1);
  if (last?.goesBelow && totalOf(widths) > width) return renderBelow(columns, rows, width, styleTitle);
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

/** The table without its last column, which follows each row, indented. */
function renderBelow(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  width: number,
  styleTitle: (text: string) => string,
): string {
  const [heading, ...lines] = renderTable(columns.slice(0, -1), rows, width, styleTitle).split('\n');
  const indent = '      ';
  const below = (row: readonly string[]) =>
    wrap(row[columns.length - 1] ?? '', width - indent.length).map(text => indent + text);
  return [heading, ...lines.flatMap((line, index) => [line, ...below(rows[index]!)])].join('\n');
}

function totalOf(widths: readonly number[]): number {
  return widths.reduce((sum, each) => sum + each, 0) + gap.length * (widths.length - 1);
}

/** Takes from the widest column that may shrink, until the table fits. */
function shrink(columns: readonly TableColumn[], widths: number[], width: number): void {
  let excess = totalOf(widths) - width;
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
