import type { Connection } from '@temporalio/client';
import type { Config } from '../../../config/config.js';

/** What a step works with. */
export interface SetupContext {
  connection: Connection;
  namespace: string;
  config: Config;
}

/** What a step came to. `by_hand`: this connection may not do it; somebody with the right runs the commands. */
export type SetupResult =
  | { status: 'done' | 'unchanged'; message: string }
  | { status: 'by_hand'; message: string; commands: string[] }
  | { status: 'failed'; message: string };

/** One thing that a namespace needs before, or that makes it better to run. Safe to repeat. */
export interface SetupStep {
  name: string;
  run(context: SetupContext): Promise<SetupResult>;
}
