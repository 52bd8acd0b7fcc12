import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { elsewhereCertificate, expiredCertificate, localhostCertificate } from '../../support/certificates.js';
import { Receiver } from '../../support/receiver.js';
import { answered, failed, startSender } from './sender.js';

/** What each request's connection had in SNI; false: nothing. */
const serverNames = ({ requests }: Receiver): (string | false | null)[] =>
  requests.map(({ socket }) => (socket as TLSSocket).servername);

const lookup = async () => [{ address: '127.0.0.1', family: 4 }];

describe('over TLS', () => {
  it('delivers to an endpoint whose certificate is trusted, again over kept connections', async () => {
    const certificate = localhostCertificate();
    await using receiver = await Receiver.start({ certificate });
    const send = startSender({ ca: certificate.cert, lookup });
    for (let count = 0; count < 10; count++) {
      await expect(send(receiver.urlFor('localhost'))).resolves.toEqual(answered(200));
    }
    expect(receiver.connections).toBeLessThanOrEqual(2);
  });

  it('delivers to an address that the certificate names', async () => {
    const certificate = localhostCertificate();
    await using receiver = await Receiver.start({ certificate });
    await expect(startSender({ ca: certificate.cert })(receiver.url)).resolves.toEqual(answered(200));
  });

  it.each(['localhost', 'localhost.'])(
    'names the endpoint without a trailing dot, and checks it so: %s',
    async (host) => {
      const certificate = localhostCertificate();
      await using receiver = await Receiver.start({ certificate });
      const send = startSender({ ca: certificate.cert, lookup });
      await expect(send(receiver.urlFor(host))).resolves.toEqual(answered(200));
      expect(serverNames(receiver)).toEqual(['localhost']);
    },
  );

  it('names no server where the URL has an address', async () => {
    const certificate = localhostCertificate();
    await using receiver = await Receiver.start({ certificate });
    await startSender({ ca: certificate.cert })(receiver.url);
    expect(serverNames(receiver)).toEqual([false]);
  });

  it('refuses private networks as well', async () => {
    const certificate = localhostCertificate();
    await using receiver = await Receiver.start({ certificate });
    const send = startSender({ ca: certificate.cert, lookup, allowNetworks: [] });
    await expect(send(receiver.urlFor('localhost'))).resolves.toMatchObject({ error_kind: 'egress_refused' });
    expect(receiver.connections).toBe(0);
  });

  it('does not send to an endpoint whose certificate no authority vouches for', async () => {
    await using receiver = await Receiver.start({ certificate: localhostCertificate() });
    const end = await startSender({ lookup })(receiver.urlFor('localhost'));
    expect(end).toEqual(failed('tls', 'TLS: self-signed certificate'));
    expect(receiver.requests).toHaveLength(0);
  });

  it('does not send to an endpoint whose certificate has expired', async () => {
    const certificate = expiredCertificate();
    await using receiver = await Receiver.start({ certificate });
    const end = await startSender({ ca: certificate.cert, lookup })(receiver.urlFor('localhost'));
    expect(end).toEqual(failed('tls', 'TLS: certificate has expired'));
    expect(receiver.requests).toHaveLength(0);
  });

  it("does not send to an endpoint with another host's certificate", async () => {
    const certificate = elsewhereCertificate();
    await using receiver = await Receiver.start({ certificate });
    const end = await startSender({ ca: certificate.cert, lookup })(receiver.urlFor('localhost'));
    expect(end).toEqual(failed('tls', "TLS: Host: localhost. is not in the cert's altnames: DNS:elsewhere.test"));
    expect(receiver.requests).toHaveLength(0);
  });

  it('does not send to an endpoint that speaks plain HTTP', async () => {
    await using receiver = await Receiver.start();
    const end = await startSender({ lookup })(`https://localhost:${receiver.port}/hook`);
    expect(end).toEqual(failed('tls', /^TLS: [a-z ]+$/));
    expect(receiver.requests).toHaveLength(0);
  });

  it('does not send to an endpoint that hangs up in the handshake', async () => {
    const { port } = await startServer((socket) => socket.once('data', () => socket.end()));
    const end = await startSender()(`https://127.0.0.1:${port}/`);
    expect(end).toEqual(failed('reset', 'connection closed before a response came'));
  });

  it('gives up a handshake that never ends', async () => {
    const { port, sockets } = await startServer((socket) => socket.resume());
    const end = await startSender({ timeoutMs: 300 })(`https://127.0.0.1:${port}/`);
    expect(end).toEqual(failed('timeout', 'timed out after 300 ms'));
    await expect.poll(() => sockets.map(({ destroyed }) => destroyed)).toEqual([true]);
  });
});

/** A server that does this with each connection. */
async function startServer(onConnection: (socket: Socket) => void): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    onConnection(socket);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, sockets };
}
