/** A TCP proxy that does to bytes what networks do: it delays, cuts, corrupts and throttles them. */
import net from 'node:net';

export type Meddling =
  /** Before anything of an answer is passed on. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The connection is closed at once. */
  | { readonly kind: 'cut-before' }
  /** The connection is closed after so many bytes of answers. */
  | { readonly kind: 'cut-after'; readonly bytes: number }
  /** From so many bytes of answers on, one byte in 64 is another one. */
  | { readonly kind: 'corrupt'; readonly after: number }
  /** Answers come at this pace, in small pieces. */
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }
  /** It is connected, takes everything, and says nothing. */
  | { readonly kind: 'silent' };

export interface TcpProxy {
  /** As the server's, with the proxy's port. */
  readonly url: string;
  meddling: Meddling | undefined;
  /** How many connections were meddled with. */
  readonly hits: number;
  close(): Promise<void>;
}

export async function startProxy(target: string): Promise<TcpProxy> {
  const url = new URL(target);
  const sockets = new Set<net.Socket>();
  const proxy = { url: '', meddling: undefined as Meddling | undefined, hits: 0 };
  const server = net.createServer({ allowHalfOpen: false }, client => {
    const upstream = net.connect(Number(url.port), url.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {});
      socket.setNoDelay(true);
    }
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.end());
    client.pipe(upstream);
    void passOn(upstream, client).catch(() => client.destroy());
  });

  async function passOn(upstream: net.Socket, client: net.Socket): Promise<void> {
    let passed = 0;
    let isCounted = false;
    for await (const chunk of upstream) {
      const bytes = chunk as Buffer;
      // Looked at for each piece, since connections are kept and used again.
      const { meddling } = proxy;
      if (meddling && !isCounted) {
        proxy.hits++;
        isCounted = true;
        passed = 0;
      }
      switch (meddling?.kind) {
        case undefined:
          client.write(bytes);
          break;
        case 'delay':
          await wait(meddling.ms);
          client.write(bytes);
          break;
        case 'cut-before':
          client.destroy();
          return;
        case 'cut-after':
          client.write(bytes.subarray(0, Math.max(0, meddling.bytes - passed)));
          if (passed + bytes.length >= meddling.bytes) {
            client.end();
            upstream.destroy();
            return;
          }
          break;
        case 'corrupt':
          client.write(corrupted(bytes, Math.max(0, meddling.after - passed)));
          break;
        case 'throttle':
          for (let at = 0; at < bytes.length && !client.destroyed; ) {
            const size = Math.ceil(meddling.bytesPerSecond / 50);
            client.write(bytes.subarray(at, at + size));
            at += size;
            await wait(20);
          }
          break;
        case 'silent':
          break;
      }
      passed += bytes.length;
    }
  }

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const own = new URL(target);
  own.port = String((server.address() as net.AddressInfo).port);
  return Object.assign(proxy, {
    url: own.href.replace(/\/$/, ''),
    close: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  });
}

function corrupted(bytes: Buffer, from: number): Buffer {
  const copy = Buffer.from(bytes);
  for (let at = from; at < copy.length; at += 64) copy[at] = copy[at]! ^ 0x15;
  return copy;
}

const wait = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));
