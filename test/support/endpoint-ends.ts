import type { CloseRequest, Store } from '../../store/index.js';
import { attempted, register } from './stores.js';

export const URL_A = 'https://a.example/hook?key=1';
export const URL_B = 'https://b.example/hook';

export type End = 'delivered' | 'answered' | 'failed' | 'gone' | 'local';
export const ENDS: Record<End, Partial<CloseRequest>> = {
  delivered: { response_code: 200 },
  answered: { response_code: 404, endpoint_failed: false },
  failed: { response_code: 503 },
  gone: {
    response_code: 410,
    endpoint_failed: false,
    next: { status: 'failed', error: 'EndpointGone', reason: 'it is gone' },
  },
  local: { response_code: null, error: 'no file descriptors', endpoint_failed: false },
};

/** A batch of one call to the endpoint, whose attempts end as told. */
export async function batchTo(store: Store, user_id: string, webhook_url = URL_A) {
  const { ref, answer } = await register(store, { user_id, webhook_url });
  return {
    key: answer.endpoints[0]?.key ?? '',
    ref,
    ends: async (...ends: End[]) => {
      for (const end of ends) await attempted(store, ref, ENDS[end]);
    },
  };
}

export const fails = (count: number): End[] => Array.from({ length: count }, () => 'failed');
