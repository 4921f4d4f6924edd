/** Three-valued logic after Kleene: what is not known stays unknown unless the rest decides without it. */
export const truths = ['yes', 'no', 'unknown'] as const;
export type Truth = (typeof truths)[number];

export const truthOf = (value: boolean): Truth => (value ? 'yes' : 'no');

export function not(truth: Truth): Truth {
  if (truth === 'unknown') return truth;
  return truth === 'yes' ? 'no' : 'yes';
}

/** `no` as soon as one is; `yes` for none at all. */
export function and<Item>(items: Iterable<Item>, test: (item: Item) => Truth): Truth {
  let result: Truth = 'yes';
  for (const item of items) {
    const truth = test(item);
    if (truth === 'no') return 'no';
    if (truth === 'unknown') result = 'unknown';
  }
  return result;
}

/** `yes` as soon as one is; `no` for none at all. */
export function or<Item>(items: Iterable<Item>, test: (item: Item) => Truth): Truth {
  return not(and(items, item => not(test(item))));
}

export const all = (...given: readonly Truth[]): Truth => and(given, truth => truth);
export const any = (...given: readonly Truth[]): Truth => or(given, truth => truth);
