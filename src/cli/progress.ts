/** Tells on stderr what a run does while it does it: a line for each thing that happened. */
import { printable } from '../plan/render/printable.ts';
import { countAddresses } from '../plan/render/words.ts';
import type { RunEvent } from '../reconcile/run.ts';
import type { Output, Step } from './output.ts';
import { askingAtlas, writeInWords } from './words.ts';

export interface Progress {
  report(gateName: string | undefined, event: RunEvent): void;
  end(): void;
}

export function progressOf(output: Output): Progress {
  const open = new Map<string, Step>();
  const begin = (name: string, text: string) => open.set(name, output.step(`${name}: ${text}`));
  const finish = (name: string, text: string) => {
    open.get(name)?.done(`${name}: ${text}`);
    open.delete(name);
  };
  return {
    report(gateName, event) {
      const name = gateName ?? 'journal';
      switch (event.kind) {
        case 'feed-read':
          if (event.feed !== 'static') tellFeed(output, event);
          return;
        case 'writing':
          begin(name, `writing, ${writeInWords(event.adds, event.removes)}`);
          return;
        case 'written':
          finish(name, `${writtenWords[event.write]}, read back, ${event.entries} entries`);
          return;
        case 'verifying':
          begin(name, askingAtlas);
          return;
        case 'verified':
          finish(name, 'Atlas confirms that its key works');
          return;
        case 'restoring':
          open.get(name)?.fail(`${name}: not confirmed, ${event.because}`);
          open.delete(name);
          output.warn(`${output.styleNote('yellow', '!')} ${name}: putting back what was there before`);
          return;
        case 'conflict':
          open.get(name)?.fail(`${name}: ${event.because}`);
          open.delete(name);
          output.note(`… ${name}: reading and planning again (attempt ${event.attempt + 1})`);
          return;
        case 'recovered':
          output.warn(
            `${output.styleNote('yellow', '!')} ${name}: an earlier run was interrupted at a write (${event.write}); it was ${event.outcome}`,
          );
          return;
        case 'lock-taken-over':
          output.note(`… ${name}: taking over from ${event.from}, which is gone`);
          return;
        case 'journal-unavailable':
          output.warn(
            `${output.styleNote('red', '✗')} the journal cannot be used: ${event.because.replace(/[^.]$/, '$&.')} Additions go on; nothing is removed.`,
          );
          return;
      }
    },
    end() {
      for (const [name, step] of open) step.fail(`${name}: not finished`);
      open.clear();
    },
  };
}

/** An incomplete answer is told even with `--quiet`: it decides what Postern dares to do. */
function tellFeed(output: Output, { feed, addresses, faults }: RunEvent & { kind: 'feed-read' }): void {
  if (faults.length === 0) {
    output.note(`${output.styleNote('green', '✓')} ${feed}: ${countAddresses(addresses)}`);
    return;
  }
  output.warn(
    `${output.styleNote('yellow', '!')} ${feed}: the answer is incomplete (${countAddresses(addresses)} could be read), so nothing is removed`,
  );
  for (const fault of faults.slice(0, shownFaults)) output.warn(`    ${printable(fault)}`);
  if (faults.length > shownFaults) output.warn(`    and ${faults.length - shownFaults} more faults`);
}

const shownFaults = 3;

const writtenWords = {
  add: 'added',
  remove: 'removed',
  restore: 'put back',
  undo: 'taken back',
  enforce: 'put in force',
  withdraw: 'taken out of force',
} as const;
