import { runWorker } from './run-worker.mjs';

/** Dies at once when it resolves the name `poison.test`, as a call might make it die. */
await runWorker(async (hostname) => {
  if (hostname === 'poison.test') process.kill(process.pid, 'SIGKILL');
  return [{ address: '127.0.0.1', family: 4 }];
});
