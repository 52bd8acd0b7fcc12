import type { Command } from 'commander';
import { EXIT_CODES_HELP } from '../client/cli/exit-codes.js';
import { Output } from '../client/cli/output.js';
import { buildProgram } from '../client/cli/program.js';
import { Session } from '../client/cli/session.js';
import { loadConfig } from '../config/config.js';

const WIDTH = 110;

const INTRODUCTION = `# Commands

\`npx postcall\` in this repository, and wherever the package is installed. It reads the same
[variables](configuration.md) as workers and the API. With \`--json\` it answers in JSON, a document or one a line, and so
do its errors, on stderr.

\`get\`, \`endpoints\`, \`calls\`, \`keys\`, \`secrets\`, \`migrate\`, \`prune\`, \`erase\` and \`reencrypt\` work with the database
(\`DATABASE_URL\` or \`POSTCALL_DATA_DIR\`); everything else goes through Temporal, and \`doctor\` looks at both.
`;

/** docs/commands.md: every command as its own help shows it. */
export function commandsPage(): string {
  const streams = { stdout: process.stdout, stderr: process.stderr };
  const program = buildProgram(new Session(loadConfig({}), new Output(streams, false), process.stdin));
  const sections = leavesOf(program).map(([name, command]) => `## ${name}\n\n${fenced(helpOf(command))}`);
  return [
    INTRODUCTION,
    `## Exit codes\n\n${fenced(EXIT_CODES_HELP.trim().replace(/^Exit codes:\n/, ''))}`,
    ...sections,
  ].join('\n');
}

/** Commands that do something, by their whole names, in the order of the help. */
function leavesOf(command: Command, prefix: readonly string[] = []): [name: string, command: Command][] {
  return command.commands.flatMap((sub): [string, Command][] => {
    const name = [...prefix, sub.name()];
    return sub.commands.length > 0 ? leavesOf(sub, name) : [[name.join(' '), sub]];
  });
}

function helpOf(command: Command): string {
  command.configureOutput({ getOutHelpWidth: () => WIDTH }).configureHelp({ showGlobalOptions: false });
  return command.helpInformation().trim();
}

const fenced = (text: string): string => `\`\`\`text\n${text.replace(/[ \t]+$/gm, '')}\n\`\`\`\n`;
