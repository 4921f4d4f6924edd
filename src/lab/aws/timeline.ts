/** One thing that AWS stores and knows everywhere only after a while: what was written, and when it is in force. */
import type { AwsBehaviour } from './behaviour.ts';

export class Timeline<T> {
  /** Never empty; the first has always been there. */
  readonly #versions: { readonly writtenMs: number; readonly fromMs: number; readonly value: T }[];
  #reads = 0;

  constructor(first: T) {
    this.#versions = [
      { writtenMs: Number.NEGATIVE_INFINITY, fromMs: Number.NEGATIVE_INFINITY, value: first },
    ];
  }

  get newest(): T {
    return this.#versions.at(-1)!.value;
  }

  get beforeNewest(): T {
    return this.#versions.at(-2)?.value ?? this.newest;
  }

  write(value: T, nowMs: number, { propagationMs }: AwsBehaviour): void {
    this.#versions.push({ writtenMs: nowMs, fromMs: nowMs + propagationMs, value });
  }

  /** What a read shows now, which may be what was there before the last writes. */
  read(nowMs: number, { readLagMs, lateReads }: AwsBehaviour): T {
    const settled = this.#versions.findLastIndex(({ writtenMs }) => writtenMs + readLagMs <= nowMs);
    const late = lateReads === 'all' || this.#reads++ % 2 === 0;
    return late ? this.#versions[settled]!.value : this.newest;
  }

  /** The versions that must all let a caller in, for it to be let in wherever it asks. */
  inForce(nowMs: number, { removals }: AwsBehaviour): readonly T[] {
    const newest = this.#versions.findLastIndex(({ fromMs }) => fromMs <= nowMs);
    const judges = removals === 'at-once' ? this.#versions.slice(newest) : [this.#versions[newest]!];
    return judges.map(({ value }) => value);
  }
}
