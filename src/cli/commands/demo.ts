import type { CommandAction } from '../context.ts';

/** Not written yet. */
export const run: CommandAction<unknown> = async () => {
  throw new Error('postern demo is not written yet.');
};
