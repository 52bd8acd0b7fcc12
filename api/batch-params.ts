import { z } from 'zod';

export const batchParams = z.object({ batch_id: z.string().describe('As in the Location header, and in webhooks.') });
