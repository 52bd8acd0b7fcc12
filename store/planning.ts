/**
 * How statements are planned, once a session and perhaps while the tables are still empty: through their indexes, which is right
 * at any size. And without compiling them, which takes 100 ms where running takes 5 ms, or processes that help, which take longer to
 * start than what they save.
 */
export const PLANNING = { enable_seqscan: 'off', jit: 'off', max_parallel_workers_per_gather: '0' } as const;
