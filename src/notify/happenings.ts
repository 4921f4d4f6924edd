/** What happened once and is worth a message: writes, and removals that were put back. Pure. */
import { countAddresses } from '../plan/render/words.ts';
import { isAddition } from '../reconcile/after-run.ts';
import type { WatchEvent } from '../watch/events.ts';
import { eventNotice } from './alerts.ts';
import type { Notice } from './situation.ts';

/** The notice about an event of the daemon; undefined where there is nothing to tell. */
export function noticeOfEvent(event: WatchEvent): Notice | undefined {
  switch (event.kind) {
    case 'run-ended':
      return written(event);
    case 'removal-restored':
      return restored(event);
    case 'first-write-withdrawn':
      return withdrawn(event);
    default:
      return undefined;
  }
}

function written({
  summary,
  gate,
  runId,
  atMs,
}: Extract<WatchEvent, { kind: 'run-ended' }>): Notice | undefined {
  const adds = summary.writes.filter(isAddition).flatMap(write => write.adds);
  const removes = summary.writes.filter(({ kind }) => kind === 'remove').flatMap(write => write.removes);
  if (summary.status !== 'changed' || adds.length + removes.length === 0) return undefined;
  const did = [
    adds.length > 0 && `let in ${countAddresses(adds.length)}`,
    removes.length > 0 && `removed ${countAddresses(removes.length)}`,
  ].filter(Boolean);
  return eventNotice(
    {
      key: `written/${gate}/${runId}`,
      id: 'written',
      severity: 'info',
      message: `Postern ${did.join(' and ')} at gate ${gate}.`,
      gate,
      addresses: [...adds, ...removes],
      did: summary.message,
      remedy: 'Nothing. `postern history` has it with before and after; `postern undo` puts it back.',
    },
    atMs,
  );
}

function restored({
  gate,
  runId,
  message,
  addresses,
  atMs,
}: Extract<WatchEvent, { kind: 'removal-restored' }>): Notice {
  return eventNotice(
    {
      key: `removal-restored/${gate}/${runId}`,
      id: 'removal-restored',
      severity: 'error',
      message: `A removal at gate ${gate} was put back: ${message}`,
      gate,
      addresses,
      did: 'It let the addresses in again at once, and started their grace period anew.',
      remedy:
        'See whether Atlas can use the key now (postern check). If it still calls from such an address, put it under `pinned`.',
    },
    atMs,
  );
}

function withdrawn({
  gate,
  runId,
  message,
  atMs,
}: Extract<WatchEvent, { kind: 'first-write-withdrawn' }>): Notice {
  return eventNotice(
    {
      key: `first-write-withdrawn/${gate}/${runId}`,
      id: 'first-write-withdrawn',
      severity: 'error',
      message: `The list of gate ${gate} is out of force again: ${message}`,
      gate,
      addresses: [],
      did: 'It took its list out of the gate, so that whoever was let in before is let in again, and does not try it again by itself.',
      remedy: `See whether Atlas can use the key now (postern check), and what it lacks. Then run: postern apply --gate ${gate} --accept-first-write`,
    },
    atMs,
  );
}
