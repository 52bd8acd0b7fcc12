import { readFileSync } from 'node:fs';

const read = (name: string): string => readFileSync(new URL(`tls/${name}`, import.meta.url), 'utf8');

/** What a TLS receiver needs. The certificates sign themselves, and all belong to one key that secures nothing. */
export interface Certificate {
  key: string;
  cert: string;
}

const certificate = (name: string): Certificate => ({ key: read('key.pem'), cert: read(`${name}.crt.pem`) });

/** For `localhost` and `127.0.0.1`, until the year 2124. */
export const localhostCertificate = (): Certificate => certificate('localhost');
/** For the same names; expired in 2021. */
export const expiredCertificate = (): Certificate => certificate('expired');
/** For `elsewhere.test` only. */
export const elsewhereCertificate = (): Certificate => certificate('elsewhere');
