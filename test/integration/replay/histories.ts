/**
 * Recorded histories as gzipped protobuf: the SDK reads exported JSON only where npm installs a single copy of protobufjs.
 * `npm run histories` records them anew.
 */
export const HISTORIES = new URL('./histories/', import.meta.url);
