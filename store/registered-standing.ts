import type { CallStanding, FinalFailure, Rejection } from '../contract/index.js';
import { integer, milliseconds, orNull, type RowOf, text } from './answer.js';
import { type CallRequest, callColumns } from './registration-rows.js';
import { isThere } from './sql.js';
import { standingOf, wasDelivered } from './standing.js';
import { requestStatement, requestTable } from './statement.js';

const ANSWER = {
  place: integer('request.place'),
  url: orNull(text('webhooks.url')),
  due_in: orNull(milliseconds("greatest(next_attempt_at - clock_timestamp(), interval '0')")),
  standing: text<'untried' | CallStanding['status']>(`case
        when rejections.error is not null then 'rejected'
        when webhooks.id is null then 'canceled'
        when webhooks.batch_id <> request.batch_id then
          case when ${wasDelivered('webhooks.id', 'request.batch_id')} then 'delivered' else 'failed' end
        when status in ('delivered', 'failed', 'canceled') then status
        when ${isThere('attempts where webhook_id = webhooks.id and finished_at is null')} then 'in_flight'
        when status = 'retrying' then 'retrying'
        else 'untried'
      end`),
  error: orNull(
    text(`case
        when rejections.error is not null then rejections.error
        when webhooks.id is null then 'BatchPruned'
        when webhooks.batch_id <> request.batch_id then 'Superseded'
        else webhooks.error
      end`),
  ),
};

type StandingRow = RowOf<typeof ANSWER>;

/** Where calls stand that were registered before. */
export const STANDINGS = requestStatement(
  requestTable<CallRequest>(callColumns),
  ANSWER,
  (requests, answer) => `
    select ${answer}
    from ${requests}
    left join rejections using (batch_id, call_id)
    left join webhooks on webhooks.user_id = request.user_id and webhooks.call_id = request.call_id`,
);

/** Undefined for a call that is simply untried. */
export function registeredStanding({ standing, error, due_in }: StandingRow): CallStanding | undefined {
  switch (standing) {
    case 'untried':
      return undefined;
    case 'in_flight':
      return { status: standing };
    case 'rejected':
      return { status: standing, error: error as Rejection };
    default:
      return standingOf(standing, error as FinalFailure | null, due_in);
  }
}
