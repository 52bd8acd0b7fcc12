export { type PostgresServer, startPostgres } from '../../dev/postgres.js';
