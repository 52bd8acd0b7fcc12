/**
 * How statements are planned, once a session and perhaps while the tables are still empty: through their indexes, which is right at any
 * size. They are not compiled, which takes 100 ms where running takes 5 ms, and get no helping processes, which start more slowly than they
 * save.
 */
export const PLANNING = { enable_seqscan: 'off', jit: 'off', max_parallel_workers_per_gather: '0' } as const;
