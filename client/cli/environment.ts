import { z } from 'zod';
import { batchOptionsSchema, DEFAULT_TASK_QUEUE, InvalidRequestError, problemsOf } from '../../contract/index.js';

/** What the command line takes from the environment; the TEMPORAL_* variables of a connection are read by @temporalio/envconfig. */
export interface Environment {
  /** Where Temporal is when neither TEMPORAL_ADDRESS nor Temporal's configuration file says so: the embedded server. */
  defaultAddress: string;
  taskQueue: string;
  /** Undefined: the embedded database in `dataDir`. */
  databaseUrl: string | undefined;
  dataDir: string;
  userId: string | undefined;
  maxInFlight: number | undefined;
}

const numberOf = <S extends z.ZodType>(schema: S) =>
  z.preprocess((text) => (text === undefined ? undefined : Number(text)), schema);

const environmentSchema = z.object({
  TEMPORAL_PORT: numberOf(z.int('must be a port').min(1, 'must be a port').max(65_535, 'must be a port').default(7233)),
  TEMPORAL_TASK_QUEUE: z.string().default(DEFAULT_TASK_QUEUE),
  DATABASE_URL: z.string().optional(),
  POSTCALL_DATA_DIR: z.string().default('.postcall'),
  POSTCALL_USER_ID: z.string().optional(),
  POSTCALL_MAX_IN_FLIGHT: numberOf(batchOptionsSchema.shape.max_in_flight),
});

/** The one place of the command line that reads the environment. Throws `InvalidRequestError` naming each bad variable. */
export function readEnvironment(variables: NodeJS.ProcessEnv = process.env): Environment {
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const parsed = environmentSchema.safeParse(set);
  if (!parsed.success) throw new InvalidRequestError(problemsOf(parsed.error, 'the environment'));
  const { data } = parsed;
  return {
    defaultAddress: `127.0.0.1:${data.TEMPORAL_PORT}`,
    taskQueue: data.TEMPORAL_TASK_QUEUE,
    databaseUrl: data.DATABASE_URL,
    dataDir: data.POSTCALL_DATA_DIR,
    userId: data.POSTCALL_USER_ID,
    maxInFlight: data.POSTCALL_MAX_IN_FLIGHT,
  };
}
