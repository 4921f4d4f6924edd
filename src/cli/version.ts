import { readFileSync } from 'node:fs';

declare const POSTERN_VERSION: string | undefined;

/** The build puts it in; the sources read it from the package. */
export function version(): string {
  if (typeof POSTERN_VERSION === 'string') return POSTERN_VERSION;
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
