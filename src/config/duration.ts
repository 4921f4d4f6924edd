const unitsMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof unitsMs;

/** Whole numbers, largest unit first or not: `90m`, `12h`, `7d`, `1d12h`. */
const pattern = /^(?:\d{1,6}[smhd]){1,4}$/;

/** Milliseconds of a duration such as `90m`, `12h` or `7d`; undefined when the text is none. */
export function parseDuration(text: string): number | undefined {
  if (!pattern.test(text)) return undefined;
  let totalMs = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([smhd])/g)) {
    totalMs += Number(count) * unitsMs[unit as Unit];
  }
  return totalMs;
}

/** The shortest text that `parseDuration` reads back as the same time, to the second: `7d`, `1h30m`. */
export function formatDuration(ms: number): string {
  let rest = Math.round(ms / 1000) * 1000;
  let text = '';
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const count = Math.floor(rest / unitsMs[unit]);
    rest -= count * unitsMs[unit];
    if (count > 0) text += `${count}${unit}`;
  }
  return text === '' ? '0s' : text;
}
