import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

export interface RawAnswer {
  /** The status line. */
  status: string;
  headers: Headers;
  body: unknown;
}

/** Sends bytes to a server's port, and reads until it closes the connection. `end` closes this side at once; a `head` has no body. */
export async function sendBytes(
  url: string,
  bytes: string | Buffer,
  { end = false, head: isHead = false } = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  await once(socket, 'connect');
  if (end) socket.end(bytes);
  else socket.write(bytes);
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  socket.destroy();
  const [status = '', ...lines] = head.split('\r\n');
  const headers = new Headers(lines.map((line) => line.split(/: ?(.*)/s, 2) as [string, string]));
  return { status, headers, body: isHead ? undefined : JSON.parse(body) };
}
