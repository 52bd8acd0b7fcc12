/**
 * The URL that a text is; undefined where it is none. `URL.canParse` is not to be trusted: once it is optimised, Node.js 20 and 22 refuse
 * whatever has a letter between U+0080 and U+00FF in it.
 */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
