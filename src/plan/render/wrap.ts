import { printable } from './printable.ts';

const nothing = /[\p{Mn}\p{Me}\u200c\u200d]/u;
/** East Asian wide characters and emoji (Unicode Standard Annex 11), which take two columns. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;

/** How many columns of a terminal a text takes; it must be printable and without escape codes. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += nothing.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return columns;
}

/**
 * Text as lines of at most `width` columns, broken between words, and inside a word only when it is longer
 * than a line. Unprintable characters come out as visible escapes. At least one line, also for no text.
 */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  let lineColumns = 0;
  // Double spaces are columns in a heading, so only a single space is a place to break.
  for (const word of printable(text).split(/(?<! ) (?! )/)) {
    for (const piece of pieces(word, width)) {
      const pieceColumns = columnsOf(piece);
      const gap = line === '' ? 0 : 1;
      if (lineColumns + gap + pieceColumns <= width) {
        line += `${gap ? ' ' : ''}${piece}`;
        lineColumns += gap + pieceColumns;
      } else {
        lines.push(line);
        line = piece;
        lineColumns = pieceColumns;
      }
    }
  }
  return [...lines, line];
}

function pieces(word: string, width: number): readonly string[] {
  if (columnsOf(word) <= width) return [word];
  const parts: string[] = [];
  let part = '';
  let columns = 0;
  for (const character of word) {
    const characterColumns = columnsOf(character);
    if (part !== '' && columns + characterColumns > width) {
      parts.push(part);
      part = '';
      columns = 0;
    }
    part += character;
    columns += characterColumns;
  }
  return [...parts, part];
}
