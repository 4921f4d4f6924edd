/**
 * Names of clusters, regions and projects are other people's text. None of it may move a terminal's cursor,
 * start a new line in a report, or turn the direction of what follows.
 */

/** Controls, format characters, line separators, lone surrogates; not the joiners that some scripts need. */
const unprintable = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The text with each unprintable character as a visible escape: `\n`, `\u{1b}`. */
export function printable(text: string): string {
  return text.replaceAll(
    unprintable,
    character => named[character] ?? `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
