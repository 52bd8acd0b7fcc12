/**
 * The defect of a response's head that the parser has refused; undefined when it is none of these. The parser's own reason is hidden behind
 * a Content-Length, or speaks of a character.
 *
 * @param head a response from its first byte on, in Latin-1
 */
export function headDefect(head: string): string | undefined {
  if (!head.startsWith('HTTP/')) return undefined;
  const end = head.search(/\r\n\r\n|\n\n/);
  const section = end === -1 ? head : head.slice(0, end + 2);
  if (/(^|[^\r])\n/.test(section)) return 'a line of its head ends in LF without CR';
  // What comes after the last line end has not come whole, or is empty.
  const lines = section.split('\r\n').slice(1, -1);
  return framingDefect(lines) ?? lineDefect(lines);
}

const valuesOf = (name: string, lines: readonly string[]): string[] =>
  lines.filter((line) => line.toLowerCase().startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trim());

/** RFC 9112 section 6.3: a head that leaves open where its body ends is refused. */
function framingDefect(lines: readonly string[]): string | undefined {
  const lengths = valuesOf('content-length', lines);
  if (lengths.length > 1) return 'more than one Content-Length';
  if (lengths.length > 0 && valuesOf('transfer-encoding', lines).length > 0) {
    return 'both Content-Length and Transfer-Encoding';
  }
  return lengths.every((length) => /^\d{1,15}$/.test(length))
    ? undefined
    : 'a Content-Length that is no number of bytes';
}

/** RFC 9110 section 5.6.2: a field's name is a token, and the colon follows it at once. */
const isField = (line: string): boolean => /^[!#$%&'*+\-.^_`|~\w]+:/.test(line);

function lineDefect(lines: readonly string[]): string | undefined {
  if (lines.some((line) => /^[ \t]/.test(line))) return 'a folded header line';
  return lines.every(isField) ? undefined : 'a header line without a name and a colon';
}
