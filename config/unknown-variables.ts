import { environmentSchema } from './environment.js';

/** Every variable of these names is ours, or meant to be. */
const OURS = /^(POSTCALL|CALLS)_/;
/** What Kubernetes sets in each container for a Service that is called `postcall`, `calls-api` and so on. */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** Variables that look like ours and that nothing reads: written wrong, or of another version. They do not keep a process from starting. */
export const unknownVariables = (environment: Readonly<Record<string, string>>): string[] =>
  Object.keys(environment)
    .filter((name) => OURS.test(name) && !(name in environmentSchema.shape) && !SERVICE_LINK.test(name))
    .sort();

/** One line for each that is unknown, for people. */
export const unknownVariableMessage = (name: string): string =>
  `${name} is not a variable of postcall-webhooks: nothing reads it (docs/configuration.md has all of them)`;
