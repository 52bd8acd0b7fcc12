import { isPortFree } from '../contract/free-port.js';
import { StackError } from './stack-error.js';

/** A port that something needs, and the variable that moves it. */
export interface PortNeed {
  port: number;
  /** Default: the loopback interface. */
  host?: string;
  what: string;
  variable: string;
}

/** Throws a StackError that names every port that is taken. */
export async function requireFreePorts(needs: PortNeed[]): Promise<void> {
  const free = await Promise.all(needs.map(({ port, host }) => isPortFree(port, host)));
  const taken = needs.filter((_, index) => !free[index]);
  if (taken.length === 0) return;
  const lines = taken.map(({ port, what, variable }) => `Port ${port} for the ${what} is in use (${variable}).`);
  lines.push('Stop what listens there, perhaps another `npm start`, or set the variables in brackets to other ports.');
  throw new StackError('PORT_BUSY', lines.join('\n'));
}
