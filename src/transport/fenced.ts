import type { Transport } from './transport.ts';

/** The same way out for one gate: what can write is sent only while `refusal` gives no reason against it. */
export function fencedTransport(transport: Transport, refusal: () => string | undefined): Transport {
  return {
    base: transport.base ?? transport,
    usage: () => transport.usage(),
    send: request => transport.send({ ...request, refusal }),
  };
}
