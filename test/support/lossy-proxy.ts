import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A way to a server on which answers can be lost. It ends with the test. */
export interface LossyProxy {
  /** `host:port`. */
  address: string;
  /** From now on, or from what is sent with this text in it, the server's answers do not arrive; what is sent to it does. */
  loseAnswers(from?: string): void;
  /** New connections work; those that there are stay silent for ever, as when a firewall has forgotten them. */
  admitNew(): void;
  /** Cuts all connections; new ones work. */
  recover(): void;
}

export async function startLossyProxy(target: string): Promise<LossyProxy> {
  const [host = '', port = ''] = target.split(':');
  const sockets = new Set<Socket>();
  const silent = new WeakSet<Socket>();
  let losing = false;
  let losingFrom: string | undefined;
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    // Cut by the test, or by the other side.
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((downstream) => {
    const upstream = track(connect({ host, port: Number(port) }));
    track(downstream).on('data', (chunk) => {
      if (losingFrom !== undefined && chunk.includes(losingFrom)) losing = true;
    });
    downstream.pipe(upstream);
    upstream.on('data', (chunk) => {
      if (!losing && !silent.has(upstream)) downstream.write(chunk);
    });
    upstream.on('close', () => {
      if (!silent.has(upstream)) downstream.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const answer = () => {
    losing = false;
    losingFrom = undefined;
  };
  onTestFinished(() => {
    server.close();
    cut();
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    loseAnswers: (from) => {
      losing = from === undefined;
      losingFrom = from;
    },
    admitNew: () => {
      for (const socket of sockets) silent.add(socket);
      answer();
    },
    recover: () => {
      answer();
      cut();
    },
  };
}
