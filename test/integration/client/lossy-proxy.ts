import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A way to a server on which answers can be lost. It ends with the test. */
export interface LossyProxy {
  /** `host:port`. */
  address: string;
  /** From now on, what the server answers does not arrive; what is sent to it does. */
  loseAnswers(): void;
  /** Cuts all connections; new ones work. */
  recover(): void;
}

export async function startLossyProxy(target: string): Promise<LossyProxy> {
  const [host = '', port = ''] = target.split(':');
  const sockets = new Set<Socket>();
  let losing = false;
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    // Cut by the test, or by the other side.
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((downstream) => {
    const upstream = track(connect({ host, port: Number(port) }));
    track(downstream).pipe(upstream);
    upstream.on('data', (chunk) => {
      if (!losing) downstream.write(chunk);
    });
    upstream.on('close', () => downstream.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    server.close();
    cut();
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    loseAnswers: () => {
      losing = true;
    },
    recover: () => {
      losing = false;
      cut();
    },
  };
}
