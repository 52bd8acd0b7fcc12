import { createHash } from 'node:crypto';
import { lstat, mkdir, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `sun_path` holds 104 bytes on macOS and 108 on Linux, a closing NUL among them. */
const MAX_SOCKET_PATH = 103;
/** What `pg` and `psql -h FOLDER` look for in a folder. */
const SOCKET_NAME = '.s.PGSQL.5432';
/** Calls' transcripts are in there: for their owner alone. */
const PRIVATE = 0o700;

export interface DatabaseFolder {
  /** The cluster's files. */
  pgdata: string;
  /** Folder of the socket that its process serves. */
  socketFolder: string;
  socketPath: string;
}

/** Creates what is missing of the folder of an embedded database. */
export async function prepareFolder(dataDir: string): Promise<DatabaseFolder> {
  await mkdir(dataDir, { recursive: true, mode: PRIVATE });
  const folder = await realpath(dataDir);
  const pgdata = join(folder, 'pgdata');
  await mkdir(pgdata, { recursive: true, mode: PRIVATE });
  const socketFolder = await prepareSocketFolder(folder);
  return { pgdata, socketFolder, socketPath: join(socketFolder, SOCKET_NAME) };
}

/** The folder itself; for one with too long a path, a private folder named after it where temporary files go. */
async function prepareSocketFolder(folder: string): Promise<string> {
  if (Buffer.byteLength(join(folder, SOCKET_NAME)) <= MAX_SOCKET_PATH) return folder;
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  const short = join(tmpdir(), `postcall-${hash}`);
  await mkdir(short, { recursive: true, mode: PRIVATE });
  const { uid, mode } = await lstat(short);
  if (uid !== process.getuid?.() || (mode & 0o077) !== 0) {
    throw new Error(
      `${short} belongs to another user or is open to others: remove it, or choose a shorter data folder`,
    );
  }
  return short;
}
