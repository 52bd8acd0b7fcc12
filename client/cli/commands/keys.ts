import type { Command } from 'commander';
import { optionalUserIdOption, userIdOption } from '../options.js';
import { table } from '../output.js';
import { NotFoundError } from '../report-error.js';
import type { Session } from '../session.js';

/** `postcall keys`: API keys of the HTTP endpoint. */
export function addKeys(program: Command, session: Session): void {
  const keys = program.command('keys').description('API keys of the HTTP endpoint');
  keys
    .command('create')
    .description('create an API key and show it, this once')
    .addOption(userIdOption(session))
    .action(({ userId }: { userId: string }) => createKey(userId, session));
  keys
    .command('list')
    .description('list API keys by their public prefix')
    .addOption(optionalUserIdOption(session, 'only keys of this user'))
    .action(({ userId }: { userId?: string }) => listKeys(userId, session));
  keys
    .command('revoke')
    .description('revoke an API key')
    .argument('<prefix>', "the key's public prefix")
    .action((prefix: string) => revokeKey(prefix, session));
}

async function createKey(userId: string, session: Session): Promise<void> {
  const created = await session.withStore((store) => store.createApiKey(userId));
  session.output.note(`API key of ${userId}; it cannot be shown again:`);
  session.output.print({ ...created, user_id: userId }, () => created.key);
}

async function listKeys(userId: string | undefined, session: Session): Promise<void> {
  const keys = await session.withStore((store) => store.listApiKeys(userId));
  session.output.print(keys, () =>
    table(
      ['prefix', 'user', 'created at', 'revoked at'],
      keys.map((key) => [key.prefix, key.user_id, key.created_at, key.revoked_at]),
    ),
  );
}

async function revokeKey(prefix: string, session: Session): Promise<void> {
  const revoked = await session.withStore((store) => store.revokeApiKey(prefix));
  if (!revoked) throw new NotFoundError(`there is no active API key ${JSON.stringify(prefix)}`);
  session.output.print({ prefix, revoked }, () => `API key ${prefix} revoked`);
}
