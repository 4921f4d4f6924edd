/** What is measured: lists of blocks from a seed, so that every run and every machine measures the same. */
import { parseCidr } from '../../src/address/index.ts';

export interface Workload {
  readonly name: string;
  readonly family: 4 | 6;
  readonly entries: number;
  /** One block per line. */
  readonly list: Uint8Array;
  /** Another list of as many entries, to take away from the first. */
  readonly other: Uint8Array;
  /** Single addresses in canonical form: half are in the list, and of the others some may be. */
  readonly questions: Uint8Array;
}

export const questionCount = 1000;

/** Random: anywhere in the family. Dense: so close together that most blocks nest or touch. */
const shapes = {
  'IPv4 random': { family: 4, block: (random: Random) => ipv4(random, 0, 0, 20) },
  'IPv4 dense': { family: 4, block: (random: Random) => ipv4(random, 0x0a000000, 10, 24) },
  'IPv6 random': { family: 6, block: ipv6 },
} as const;

const sizes = [
  ['IPv4 random', 1_000],
  ['IPv4 random', 100_000],
  ['IPv4 random', 1_000_000],
  ['IPv4 dense', 1_000],
  ['IPv4 dense', 100_000],
  ['IPv4 dense', 1_000_000],
  ['IPv6 random', 1_000],
  ['IPv6 random', 100_000],
] as const;

/** One at a time, because a million lines take much memory. */
export function* workloads(): Generator<Workload> {
  for (const [name, entries] of sizes) yield makeWorkload(name, entries);
}

function makeWorkload(name: keyof typeof shapes, entries: number): Workload {
  const { family, block } = shapes[name];
  const random = xorshift(20250811);
  const lines = (count: number) => Array.from({ length: count }, () => block(random));
  const list = lines(entries);
  const near = Array.from({ length: questionCount / 2 }, () => list[random() % entries]!);
  const questions = [...near, ...lines(questionCount / 2)].map(line =>
    parseCidr(line.replace(/\/\d+$/, ''), { bare: 'host' }),
  );
  shuffle(questions, random);
  return { name, family, entries, list: text(list), other: text(lines(entries)), questions: text(questions) };
}

function shuffle(items: unknown[], random: Random): void {
  for (let index = items.length - 1; index > 0; index--) {
    const other = random() % (index + 1);
    [items[index], items[other]] = [items[other], items[index]];
  }
}

const text = (lines: readonly string[]): Uint8Array => Buffer.from(`${lines.join('\n')}\n`);

/** The next of a sequence of 32-bit numbers. */
type Random = () => number;

function xorshift(seed: number): Random {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** One in four is a single host, the others are of any length from the shortest up. */
function ipv4(random: Random, base: number, baseLength: number, shortest: number): string {
  const length = random() % 4 === 0 ? 32 : shortest + (random() % (33 - shortest));
  const address = (base | (random() >>> baseLength)) & (-1 << (32 - length));
  return `${[24, 16, 8, 0].map(shift => (address >>> shift) & 255).join('.')}/${length}`;
}

/** In 2600::/16, as the clouds' blocks are, of any length from 32 up. */
function ipv6(random: Random): string {
  const length = 32 + (random() % 97);
  const groups = [0x2600, ...Array.from({ length: 7 }, () => random() & 0xffff)];
  const masked = groups.map(
    (group, index) => group & (0xffff << Math.max(0, Math.min(16, 16 * (index + 1) - length))) & 0xffff,
  );
  return `${masked.map(group => group.toString(16)).join(':')}/${length}`;
}
