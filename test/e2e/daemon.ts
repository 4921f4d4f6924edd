/** A daemon, its log as it grows, and a wait for what it is to say. */
import { onTestFinished } from 'vitest';
import type { Site, Started } from './site.ts';

export function follow(site: Site, started: Started) {
  let text = '';
  started.process.stderr!.on('data', chunk => (text += chunk));
  onTestFinished(() => void started.process.kill('SIGKILL'));
  const lines = () =>
    text
      .split('\n')
      .filter(line => line.startsWith('{') && line.endsWith('}'))
      .map(line => JSON.parse(line) as Record<string, any>);
  const until = async (what: string, holds: () => boolean, ms = 60_000) => {
    const endMs = Date.now() + ms;
    while (!holds()) {
      if (Date.now() > endMs) throw new Error(`not seen: ${what}\n${text.slice(-3_000)}`);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  };
  const of = (event: string) => lines().filter(line => line.event === event);
  return {
    ...started,
    lines,
    until,
    of,
    text: () => text,
    says: (event: string, count = 1) => until(event, () => of(event).length >= count),
    inStep: () => until('in step', () => site.lab.atlas.lockedOut(site.project.id).length === 0),
  };
}
