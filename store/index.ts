export * from './diagnose.js';
export { isDataError } from './driver-errors.js';
export type { EncryptionKey, EncryptionOptions } from './encryption/cipher.js';
export type { EncryptedColumn } from './encryption/columns.js';
export type { ReencryptProgress, ReencryptResult } from './encryption/reencrypt.js';
export type { ColumnReport, EncryptionReport } from './encryption/report.js';
export * from './errors.js';
export * from './open-store.js';
export * from './store.js';
