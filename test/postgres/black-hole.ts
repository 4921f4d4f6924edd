/** A way to a database that can be cut as a lost packet does it: connections stay open, and nothing comes back. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'vitest';

export async function openBlackHole({ onTestFinished }: Pick<TestContext, 'onTestFinished'>, url: string) {
  const { hostname, port } = new URL(url);
  let isCut = false;
  const sockets = new Set<Socket>();
  const server = createServer(client => {
    const upstream = connect(Number(port), hostname);
    // A connection that was cut once stays dead.
    let isDead = isCut;
    const pass = (to: Socket) => (data: Buffer) => {
      isDead ||= isCut;
      if (!isDead) to.write(data);
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    client.on('data', pass(upstream));
    upstream.on('data', pass(client));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const through = new URL(url);
  through.port = String((server.address() as AddressInfo).port);
  return {
    url: through.href,
    cut: () => {
      isCut = true;
    },
    mend: () => {
      isCut = false;
    },
  };
}
