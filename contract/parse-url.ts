/**
 * The URL that a text is; undefined where it is none. Not by `URL.canParse`: once it is optimised, Node.js 20 and 22 refuse every URL with
 * a letter between U+0080 and U+00FF.
 */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
