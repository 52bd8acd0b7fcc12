import { z } from 'zod';
import { environmentSchema, SUBJECTS } from '../config/environment.js';

const WIDTH = 120;

const INTRODUCTION = `# Configuration

Environment variables, read once at the start. Each that is wrong is named, and nothing starts. An empty variable counts
as unset. Durations are written as \`500ms\`, \`15s\`, \`2m\` or \`72h\`, lists with commas. Worker, API, command line and
\`npm start\` read the same variables, and each takes what concerns it.

Temporal's own variables are read as by all of Temporal's tools;
[there are more of them](https://docs.temporal.io/develop/environment-configuration).
`;

interface Variable {
  description: string;
  default?: unknown;
  /** What its values may be, in words. */
  range?: string;
}

/** docs/configuration.md: every variable of the schema with its default and its meaning. */
export function configurationPage(): string {
  const { properties = {} } = z.toJSONSchema(environmentSchema, { io: 'input', unrepresentable: 'any' });
  const sections = Object.entries(SUBJECTS).map(([subject, variables]) => {
    const entries = Object.keys(variables).map((name) => entry(name, properties[name] as unknown as Variable));
    return `## ${subject}\n\n${entries.join('\n')}\n`;
  });
  return [INTRODUCTION, ...sections].join('\n');
}

function entry(name: string, { description, default: fallback, range }: Variable): string {
  const notes = [...(fallback === undefined ? [] : [`default \`${fallback}\``]), ...(range ? [range] : [])];
  const head = notes.length > 0 ? `\`${name}\` (${notes.join(', ')})` : `\`${name}\``;
  return wrapped(`- ${head}: ${description}`);
}

/** The lines of a list's entry, filled up to the width. Code is one word, as prettier has it. */
const wrapped = (text: string): string =>
  (text.match(/(?:`[^`]*`|\S)+/g) ?? []).reduce((lines, word) => {
    const line = `${lines.slice(lines.lastIndexOf('\n') + 1)} ${word}`;
    return line.length <= WIDTH ? `${lines} ${word}` : `${lines}\n  ${word}`;
  });
