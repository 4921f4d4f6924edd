/** Radix sort of addresses, least significant digit first. */
import { compareWords, type Width } from './boundaries.ts';

const digitBits = 11;
const digitMask = (1 << digitBits) - 1;

/** The order in which the addresses, each of `width` words, ascend: indices of addresses. */
export function sortedOrder(words: Uint32Array, width: Width): Uint32Array {
  const count = words.length / width;
  let order = Uint32Array.from({ length: count }, (_, index) => index);
  if (isAscending(words, width)) return order;
  let next = new Uint32Array(count);
  const starts = new Uint32Array(digitMask + 1);
  for (let word = width - 1; word >= 0; word--) {
    for (let shift = 0; shift < 32; shift += digitBits) {
      const digitAt = (index: number) => (words[index * width + word]! >>> shift) & digitMask;
      starts.fill(0);
      for (let index = 0; index < count; index++) starts[digitAt(index)]!++;
      // Every address has the same digit here: this pass would change nothing.
      if (starts[digitAt(0)] === count) continue;
      let start = 0;
      for (let digit = 0; digit <= digitMask; digit++) {
        const size = starts[digit]!;
        starts[digit] = start;
        start += size;
      }
      for (let place = 0; place < count; place++) {
        const index = order[place]!;
        next[starts[digitAt(index)]!++] = index;
      }
      [order, next] = [next, order];
    }
  }
  return order;
}

function isAscending(words: Uint32Array, width: Width): boolean {
  for (let at = width; at < words.length; at += width) {
    if (compareWords(words, at - width, words, at, width) > 0) return false;
  }
  return true;
}
