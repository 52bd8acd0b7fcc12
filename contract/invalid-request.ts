import type { z } from 'zod';

/** One thing that is wrong with a request: the field, and a message that names it and the remedy. */
export interface Problem {
  field: string;
  message: string;
}

/** A request that cannot be accepted. Nothing was started. `problems` has one entry for each thing that is wrong. */
export class InvalidRequestError extends Error {
  override readonly name = 'InvalidRequestError';
  readonly problems: Problem[];

  constructor(problems: Problem[]) {
    super(problems.map((problem) => problem.message).join('; '));
    this.problems = problems;
  }
}

/** `['call_ids', 3]` as `call_ids[3]`. */
const fieldName = (path: PropertyKey[]): string =>
  path.reduce<string>(
    (name, part) => (typeof part === 'number' ? `${name}[${part}]` : name ? `${name}.${String(part)}` : String(part)),
    '',
  );

/** At most this many problems are reported, so that 10,000 bad call IDs do not make a 1 MB answer. */
const MAX_PROBLEMS = 20;

/** One message for each problem; each starts with the name of its field. */
export function problemsOf(error: z.ZodError, whole = 'the request'): Problem[] {
  const problems = error.issues.map((issue) => {
    const field = fieldName(issue.path);
    return { field, message: `${field || whole} ${issue.message}` };
  });
  const more = problems.length - MAX_PROBLEMS;
  if (more <= 0) return problems;
  return [...problems.slice(0, MAX_PROBLEMS), { field: '', message: `and ${more} more problems` }];
}

/** Parses, or throws {@link InvalidRequestError}. */
export function parseOrThrow<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InvalidRequestError(problemsOf(parsed.error));
}
