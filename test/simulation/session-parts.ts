/** What both the daemon and the operator's commands reach the world by. */
import type { Clock } from '../../src/clock.ts';
import { createTransport, type Transport } from '../../src/transport/index.ts';
import type { Listener } from './network.ts';
import type { SimulatedProcess } from './process.ts';
import type { World } from './world.ts';

/** Tells the judge and the world of each request of one process. */
export function listenerOf(world: World, run: number, operatorAllows: boolean): Listener {
  const sender = { run, operatorAllows };
  return {
    onArrival: () => {
      world.judge.sender = sender;
    },
    onFault: ({ service, method, path, fault }) => {
      world.trace(`${service} ${method} ${path.split('/').at(-1)}: ${fault?.label}`);
      world.judge.disturb();
    },
    onDelivered: delivered => world.answers.note(delivered, run, world.machineNow(), world.scheduler.nowMs),
  };
}

export function simulatedTransport(
  world: World,
  listener: Listener,
  clock: Clock,
  process: SimulatedProcess,
  mode: 'read-only' | 'read-write',
): Transport {
  const patience = new WeakMap<AbortSignal, { readonly ms: number; readonly controller: AbortController }>();
  const exchange = world.network.exchangeFor(listener, async signal => {
    const { ms, controller } = patience.get(signal)!;
    await world.scheduler.sleep(ms);
    controller.abort(new DOMException('The operation timed out.', 'TimeoutError'));
  });
  return createTransport({
    clock,
    random: world.network.random,
    mode,
    exchange: (request, options) => process.call(() => exchange(request, options)),
    timeoutSignal: ms => {
      const controller = new AbortController();
      patience.set(controller.signal, { ms, controller });
      return controller.signal;
    },
  });
}
