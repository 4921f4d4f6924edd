/** Keys from a terminal, one at a time. */
import { emitKeypressEvents, type Key } from 'node:readline';

export interface KeyInput extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
}

/** Gives each key to `onKey` until that gives a result; the terminal is as before afterwards. */
export function readKeys<T>(
  input: KeyInput,
  onKey: (key: Key & { readonly text: string }) => { readonly done: T } | undefined,
): Promise<T | undefined> {
  return new Promise(resolve => {
    const end = (result: T | undefined) => {
      input.off('keypress', listen);
      input.off('end', onEnd);
      input.setRawMode?.(false);
      input.pause();
      resolve(result);
    };
    const onEnd = () => end(undefined);
    const listen = (text: string | undefined, key: Key) => {
      if ((key.ctrl && (key.name === 'c' || key.name === 'd')) || key.name === 'escape') end(undefined);
      else {
        const outcome = onKey({ ...key, text: text ?? '' });
        if (outcome) end(outcome.done);
      }
    };
    emitKeypressEvents(input);
    input.setRawMode?.(true);
    input.on('keypress', listen);
    input.once('end', onEnd);
    input.resume();
  });
}
