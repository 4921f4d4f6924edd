/** Radix sort of addresses, least significant digit first. */
import { compareWords, type Width } from './block.ts';

const digitBits = 11;
const digitMask = (1 << digitBits) - 1;

/** The order in which the addresses, each of `width` words, ascend: indices of addresses. */
export function ascendingOrder(words: Uint32Array, width: Width): Uint32Array {
  const count = words.length / width;
  const order = new Uint32Array(count);
  for (let index = 0; index < count; index++) order[index] = index;
  if (isAscending(words, width)) return order;
  let from: Column = { keys: new Uint32Array(count), order };
  let to: Column = { keys: new Uint32Array(count), order: new Uint32Array(count) };
  for (let word = width - 1; word >= 0; word--) {
    for (let place = 0; place < count; place++) from.keys[place] = words[from.order[place]! * width + word]!;
    for (let shift = 0; shift < 32; shift += digitBits) {
      if (sortByDigit(from, to, shift)) [from, to] = [to, from];
    }
  }
  return from.order;
}

/** One word of each address beside the address's index; they move together. */
interface Column {
  readonly keys: Uint32Array;
  readonly order: Uint32Array;
}

/** Sorts by the digit at `shift` and keeps the order of equals; false when all are equal and nothing was moved. */
function sortByDigit(from: Column, to: Column, shift: number): boolean {
  const { keys, order } = from;
  const nextPlaces = new Uint32Array(digitMask + 1);
  for (let place = 0; place < keys.length; place++) nextPlaces[(keys[place]! >>> shift) & digitMask]!++;
  if (nextPlaces[(keys[0]! >>> shift) & digitMask] === keys.length) return false;
  let start = 0;
  for (let digit = 0; digit <= digitMask; digit++) {
    const size = nextPlaces[digit]!;
    nextPlaces[digit] = start;
    start += size;
  }
  for (let place = 0; place < keys.length; place++) {
    const key = keys[place]!;
    const next = nextPlaces[(key >>> shift) & digitMask]!++;
    to.keys[next] = key;
    to.order[next] = order[place]!;
  }
  return true;
}

function isAscending(words: Uint32Array, width: Width): boolean {
  for (let at = width; at < words.length; at += width) {
    if (compareWords(words, at - width, words, at, width) > 0) return false;
  }
  return true;
}
