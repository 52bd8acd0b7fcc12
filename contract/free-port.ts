import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

const LOOPBACK = '127.0.0.1';
/** Below the ports that systems give to outgoing connections (Linux: from 32768), so that none takes one between two uses. */
const LOWEST = 12_000;
const HIGHEST = 32_000;
const MAX_TRIES = 1_000;

/** A TCP port of the loopback interface that is free, and stays free unless a program asks for it by number. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = randomInt(LOWEST, HIGHEST);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`No free port was found between ${LOWEST} and ${HIGHEST}`);
}

/** Whether a port can be listened on; by default one of the loopback interface. */
export async function isPortFree(port: number, host = LOOPBACK): Promise<boolean> {
  const server = createServer().listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return true;
}
