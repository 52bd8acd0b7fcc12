import { connectivityState } from '@grpc/grpc-js';
import type { ConnectionLike } from '@temporalio/client';

/** What of a connection over `@grpc/grpc-js` tells; connections of another make do not have it. */
interface WithChannel {
  client?: { getChannel?(): { getConnectivityState(tryToConnect: boolean): number } };
}

/** Whether the connection is up at this moment, as far as it tells. */
export function isUp(connection: ConnectionLike): boolean {
  const { client } = connection as unknown as WithChannel;
  return (client?.getChannel?.().getConnectivityState(false) ?? connectivityState.READY) === connectivityState.READY;
}
