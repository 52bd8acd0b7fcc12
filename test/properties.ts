/** Plays one run of a property again, by the seed and the path that fast-check printed with its failure. */
const { FC_SEED, FC_PATH } = process.env;

if (FC_SEED !== undefined) {
  const { default: fc } = await import('fast-check');
  fc.configureGlobal({ seed: Number(FC_SEED), ...(FC_PATH !== undefined && { path: FC_PATH, endOnFailure: true }) });
}
