/** The kernel as a command, to compare whole processes: `merge A`, `difference A B`, `lookup A B`; prints the result. */
import { readFileSync, writeSync } from 'node:fs';
import { AddressSet } from '../../src/address/address-set.ts';

const [operation = '', ...files] = process.argv.slice(2);
const [a = AddressSet.empty, b = AddressSet.empty] = files.map(file =>
  AddressSet.fromLines(readFileSync(file)),
);

const result = operation === 'merge' ? a : operation === 'difference' ? a.difference(b) : a.intersection(b);
const lines = result.toLines();
for (let written = 0; written < lines.length; ) written += writeSync(1, lines, written);
