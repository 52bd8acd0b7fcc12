/** `1 call`, `2 calls`. */
export const counted = (count: number, what: string): string => (count === 1 ? `1 ${what}` : `${count} ${what}s`);
