/**
 * Notices that the config's file has changed. It looks at the content, not at the file: editors replace files,
 * and Kubernetes swaps a symlink above them, and both show there.
 */
import type { Clock } from '../clock.ts';

export interface ConfigFileOptions {
  readonly clock: Clock;
  readonly everyMs: number;
  /** The file's text; undefined while it cannot be read, as between an editor's delete and rename. */
  read(): string | undefined;
  /** Called once the content has been the same, and another than before, at two looks in a row. */
  onChange(): void;
}

/** Looks until it is stopped. Never throws. */
export async function watchConfigFile(options: ConfigFileOptions, stop: AbortSignal): Promise<void> {
  const { clock, everyMs, onChange } = options;
  const look = () => {
    try {
      return options.read();
    } catch {
      return undefined;
    }
  };
  let known = look();
  let last = known;
  while (!stop.aborted) {
    await clock.sleep(everyMs, stop).catch(() => {});
    if (stop.aborted) return;
    const now = look();
    const isSettled = now !== undefined && now === last;
    last = now;
    if (!isSettled || now === known) continue;
    known = now;
    onChange();
  }
}
