import type { Command } from 'commander';
import { optionalUserIdOption, userIdOption } from '../options.js';
import { table } from '../output.js';
import { NotFoundError } from '../report-error.js';
import type { Session } from '../session.js';

/** `postcall secrets`: what webhooks are signed with. */
export function addSecrets(program: Command, session: Session): void {
  const secrets = program
    .command('secrets')
    .description('signing secrets, by which endpoints know that a webhook is genuine');
  secrets
    .command('create')
    .description('add a signing secret and show it; while a user has several, webhooks are signed with each')
    .addOption(userIdOption(session))
    .action(({ userId }: { userId: string }) => createSecret(userId, session));
  secrets
    .command('list')
    .description('list signing secrets by their IDs')
    .addOption(optionalUserIdOption(session, 'only secrets of this user'))
    .action(({ userId }: { userId?: string }) => listSecrets(userId, session));
  secrets
    .command('revoke')
    .description('sign no more webhooks with a secret')
    .argument('<id>', "the secret's ID")
    .action((id: string) => revokeSecret(id, session));
}

async function createSecret(userId: string, session: Session): Promise<void> {
  const created = await session.withStore((store) => store.createSigningSecret(userId));
  session.output.note(`Signing secret ${created.id} of ${userId}:`);
  session.output.print({ ...created, user_id: userId }, () => created.secret);
}

async function listSecrets(userId: string | undefined, session: Session): Promise<void> {
  const secrets = await session.withStore((store) => store.listSigningSecrets(userId));
  session.output.print(secrets, () =>
    table(
      ['id', 'user', 'created at', 'revoked at'],
      secrets.map((secret) => [secret.id, secret.user_id, secret.created_at, secret.revoked_at]),
    ),
  );
}

async function revokeSecret(id: string, session: Session): Promise<void> {
  const revoked = await session.withStore((store) => store.revokeSigningSecret(id));
  if (!revoked) throw new NotFoundError(`there is no active signing secret ${JSON.stringify(id)}`);
  session.output.print({ id, revoked }, () => `signing secret ${id} revoked`);
}
