import type { Command } from 'commander';
import type { SigningSecretInfo } from '../../../store/store.js';
import { optionalUserIdOption, parseDuration, userIdOption } from '../options.js';
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
    .option('--activate-in <duration>', 'sign with it only from then on, such as 24h', parseDuration)
    .action((options: CreateOptions) => createSecret(options, session));
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

interface CreateOptions {
  userId: string;
  /** Milliseconds. */
  activateIn?: number;
}

async function createSecret({ userId, activateIn = 0 }: CreateOptions, session: Session): Promise<void> {
  const created = await session.withStore((store) => store.createSigningSecret(userId, { activate_in_ms: activateIn }));
  const from = activateIn > 0 ? `, in use from ${created.activates_at}` : '';
  session.output.note(`Signing secret ${created.id} of ${userId}${from}:`);
  session.output.print({ ...created, user_id: userId }, () => created.secret);
}

async function listSecrets(userId: string | undefined, session: Session): Promise<void> {
  const secrets = await session.withStore((store) => store.listSigningSecrets(userId));
  session.output.print(secrets, () =>
    table(
      ['id', 'user', 'created at', 'activates at', 'revoked at'],
      secrets.map((secret) => [secret.id, secret.user_id, secret.created_at, secret.activates_at, secret.revoked_at]),
    ),
  );
}

async function revokeSecret(id: string, session: Session): Promise<void> {
  const left = await session.withStore(async (store) => {
    if (!(await store.revokeSigningSecret(id)))
      throw new NotFoundError(`there is no active signing secret ${JSON.stringify(id)}`);
    const secrets = await store.listSigningSecrets();
    const owner = secrets.find((secret) => secret.id === id)?.user_id;
    return secrets.filter(({ user_id, revoked_at }) => user_id === owner && revoked_at === null);
  });
  session.output.print({ id, revoked: true }, () => `signing secret ${id} revoked`);
  session.output.note(signedFromNowOn(left, new Date().toISOString()));
}

/** What an operator should know who has taken one secret away. */
function signedFromNowOn(left: readonly SigningSecretInfo[], now: string): string {
  const active = left.filter(({ activates_at }) => activates_at <= now);
  if (active.length > 0) return `webhooks are signed with ${active.map((secret) => secret.id).join(' and ')}`;
  const [next] = left.toSorted((a, b) => a.activates_at.localeCompare(b.activates_at));
  return next
    ? `webhooks are NOT signed until ${next.activates_at}, when ${next.id} becomes active`
    : 'webhooks of this user are not signed any more';
}
