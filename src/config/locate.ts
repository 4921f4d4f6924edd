/** Where in the file a value stands. */
import { type Document, isMap, isPair, isScalar, type LineCounter, type Node } from 'yaml';

export type Path = readonly (string | number)[];

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** The place of the value at a path; of the nearest thing around it, where there is no such value. */
export function placeOf(document: Document.Parsed, lines: LineCounter, path: Path): Place {
  for (let length = path.length; length >= 0; length--) {
    const node = nodeAt(document, path.slice(0, length));
    if (node?.range) return placeAt(lines, node.range[0]);
  }
  return { line: 1, column: 1 };
}

/** The place of a key of the map at a path. */
export function placeOfKey(document: Document.Parsed, lines: LineCounter, path: Path, key: string): Place {
  const map = nodeAt(document, path);
  if (isMap(map)) {
    for (const pair of map.items) {
      if (isPair(pair) && isScalar(pair.key) && String(pair.key.value) === key && pair.key.range) {
        return placeAt(lines, pair.key.range[0]);
      }
    }
  }
  return placeOf(document, lines, path);
}

export function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** A scalar as it is written in the file, such as `1e5` for what YAML reads as a number. */
export function sourceOf(document: Document.Parsed, path: Path): string | undefined {
  const node = nodeAt(document, path);
  return isScalar(node) ? node.source : undefined;
}

export function pathText(path: Path): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('');
}

function nodeAt(document: Document.Parsed, path: Path): Node | null | undefined {
  if (path.length === 0) return document.contents;
  return document.getIn(path, true) as Node | undefined;
}
