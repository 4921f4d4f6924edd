/** Runs one world after another in a thread of its own. */
import { parentPort } from 'node:worker_threads';
import { type SimulationOptions, simulate } from './simulate.ts';

parentPort?.on('message', async (options: SimulationOptions | undefined) => {
  if (options) parentPort?.postMessage(await simulate(options));
  else parentPort?.close();
});
