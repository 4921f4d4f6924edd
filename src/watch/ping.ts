/** The dead man's switch: who stops hearing from it knows that Postern, or what it looks after, is not well. */
import { TransportError } from '../transport/errors.ts';
import type { Transport } from '../transport/transport.ts';

/** @returns why it failed, undefined when it did not; never says the URL, which is a secret */
export async function ping(transport: Transport, url: string): Promise<string | undefined> {
  try {
    const headers = { 'user-agent': 'postern' };
    const { status } = await transport.send({ method: 'GET', url, headers, maxRetries: 2 });
    return status >= 200 && status < 300 ? undefined : `the answer was ${status}`;
  } catch (error) {
    return error instanceof TransportError ? `no answer (${error.kind})` : 'it could not be sent';
  }
}
