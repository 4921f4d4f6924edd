/** What vendors say of their own APIs, kept beside the repository and not in it. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';

export const vendorPath = (path: string) =>
  fileURLToPath(new URL(`../../../shared/vendor/${path}`, import.meta.url));

/** Skips its tests, and says what for, where the vendor's file is absent. */
export function describeContract(title: string, path: string, tests: () => void): void {
  if (existsSync(vendorPath(path))) describe(title, tests);
  else describe.skip(`${title} (skipped: ../shared/vendor/${path} is absent)`, tests);
}
