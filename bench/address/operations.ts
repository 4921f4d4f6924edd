/** The operations in this process, each from text to a list, by Postern's kernel and by cidr-tools. */
import { containsCidr, excludeCidr, mergeCidr } from 'cidr-tools';
import { AddressSet, parseCidr } from '../../src/address/index.ts';

export const operations = ['merge', 'difference', 'lookup'] as const;
export type Operation = (typeof operations)[number];

/** Gives a text with one block per line; for `lookup` the questions that are in the list. */
export function byPostern(operation: Operation, a: Uint8Array, b: Uint8Array): Uint8Array {
  const list = AddressSet.fromLines(a);
  if (operation === 'merge') return list.toLines();
  if (operation === 'difference') return list.difference(AddressSet.fromLines(b)).toLines();
  const questions = linesOf(b).map(line => parseCidr(line));
  return Buffer.from(textOf(questions.filter(question => list.covers(question))));
}

export function byCidrTools(operation: Operation, a: Uint8Array, b: Uint8Array): string {
  const list = linesOf(a);
  if (operation === 'merge') return textOf(mergeCidr(list));
  if (operation === 'difference') return textOf(excludeCidr(list, linesOf(b)));
  return textOf(linesOf(b).filter(question => containsCidr(list, question)));
}

export const linesOf = (text: Uint8Array): string[] =>
  Buffer.from(text.buffer, text.byteOffset, text.length).toString('latin1').split('\n').slice(0, -1);
const textOf = (lines: readonly string[]) => lines.map(line => `${line}\n`).join('');
