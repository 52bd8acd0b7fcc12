import { readFileSync } from 'node:fs';
import { messageOf } from '../contract/message-of.js';

/**
 * The variables of TLS that @temporalio/envconfig reads. It ignores a pair that is only half there, and turns TLS off for a value that it
 * does not understand.
 */
const FLAGS = ['TEMPORAL_TLS', 'TEMPORAL_TLS_DISABLE_HOST_VERIFICATION'];
const PEMS = ['TEMPORAL_TLS_CLIENT_CERT', 'TEMPORAL_TLS_CLIENT_KEY', 'TEMPORAL_TLS_SERVER_CA_CERT'];
const KNOWN = [...FLAGS, ...PEMS.flatMap((name) => [`${name}_PATH`, `${name}_DATA`]), 'TEMPORAL_TLS_SERVER_NAME'];

type Variables = Readonly<Record<string, string>>;

/** What is wrong with the variables of Temporal's TLS, one line each, before a connection that would not be encrypted. */
export function tlsProblems(environment: Variables): string[] {
  const unknown = Object.keys(environment)
    .filter((name) => /^TEMPORAL_TLS/.test(name) && !KNOWN.includes(name))
    .map((name) => `${name} is not a variable of Temporal: there are ${KNOWN.join(', ')}`);
  const off = environment.TEMPORAL_TLS_DISABLE_HOST_VERIFICATION;
  const unsupported =
    off === undefined || off === 'false' || off === '0'
      ? []
      : ['TEMPORAL_TLS_DISABLE_HOST_VERIFICATION is not supported: name the host in TEMPORAL_TLS_SERVER_NAME'];
  return [
    ...unknown,
    ...unsupported,
    ...PEMS.flatMap((name) => pemProblems(name, environment)),
    ...halves(environment),
  ];
}

function pemProblems(name: string, environment: Variables): string[] {
  const [path, data] = [environment[`${name}_PATH`], environment[`${name}_DATA`]];
  if (path !== undefined && data !== undefined) return [`${name}_PATH and ${name}_DATA exclude each other`];
  if (data !== undefined) return isPem(data) ? [] : [`${name}_DATA must be PEM: -----BEGIN ...`];
  if (path === undefined) return [];
  try {
    return isPem(readFileSync(path, 'utf8')) ? [] : [`${name}_PATH must name a file of PEM: -----BEGIN ...`];
  } catch (error) {
    return [`${name}_PATH cannot be read: ${messageOf(error)}`];
  }
}

const isPem = (text: string): boolean => text.includes('-----BEGIN ');

function halves(environment: Variables): string[] {
  const has = (name: string) => environment[`${name}_PATH`] !== undefined || environment[`${name}_DATA`] !== undefined;
  const [certificate, key] = [has('TEMPORAL_TLS_CLIENT_CERT'), has('TEMPORAL_TLS_CLIENT_KEY')];
  if (certificate === key) return [];
  const [there, missing] = certificate ? ['CERT', 'KEY'] : ['KEY', 'CERT'];
  return [`TEMPORAL_TLS_CLIENT_${missing}_PATH is missing: TEMPORAL_TLS_CLIENT_${there} is of no use without it`];
}
