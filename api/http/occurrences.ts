import type { IncomingMessage } from 'node:http';

/** How often a request has a header, by its name in lower case. Node.js takes the first of several that must be one, and says nothing. */
export const occurrences = ({ rawHeaders }: IncomingMessage, header: string): number =>
  rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === header).length;
