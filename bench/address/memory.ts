/** How much memory a value keeps. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const copies = 10;

/** On average over a few, because the garbage of making them is about as large as one. */
export function heldBytes<Value>(make: () => Value): { readonly bytes: number; readonly value: Value } {
  make();
  const before = usedBytes();
  const values = Array.from({ length: copies }, make);
  return { bytes: (usedBytes() - before) / copies, value: values[0]! };
}

function usedBytes(): number {
  // Buffers are given back only after the collection that finds them unused.
  for (let round = 0; round < 3; round++) collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

export const byteCount = (bytes: number, count: number): string => (bytes / count).toFixed(1);
