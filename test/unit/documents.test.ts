import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { attemptSchema, batchOptionsSchema, createRequestSchema, webhookSchema } from '../../contract/index.js';
import { ENCRYPTED_COLUMNS } from '../../store/encryption/columns.js';
import { codeIn, DOCUMENTS, MANIFEST, ROOT, textOf } from '../support/documents.js';

test('the README has at most 250 lines', () => {
  expect(textOf('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(250);
});

test.each(DOCUMENTS)('%s is at most 120 columns wide', (document) => {
  const lines = textOf(document).split('\n');
  expect(lines.flatMap((line, index) => (line.length > 120 ? [`line ${index + 1}: ${line}`] : []))).toEqual([]);
});

describe('what the documents link to', () => {
  const links = DOCUMENTS.flatMap((document) =>
    [...textOf(document).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, target = '']) => ({ document, target })),
  );

  test.each(links)('$target, in $document', ({ document, target }) => {
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? document : relative(ROOT, join(ROOT, dirname(document), path));
    expect(existsSync(join(ROOT, file)), file).toBe(true);
    if (anchor === undefined) return;
    const headings = [...textOf(file).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );
    expect(headings).toContain(anchor);
  });
});

test('every page of docs is linked from the README', () => {
  const linked = [...textOf('README.md').matchAll(/\]\((docs\/[^)#]+)/g)].map(([, path]) => path);
  expect(DOCUMENTS.filter((path) => path.startsWith('docs/') && !linked.includes(path))).toEqual([]);
});

test('the npm scripts that documents name exist', () => {
  const named = DOCUMENTS.flatMap((document) => [
    ...textOf(document).matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g),
  ]).map(([, run, plain]) => run ?? plain);
  expect(named.length).toBeGreaterThan(10);
  expect([...new Set(named)].filter((name) => !(String(name) in MANIFEST.scripts))).toEqual([]);
});

test('every field of a webhook, of a request and of its options is in the documents', () => {
  const named = new Set(DOCUMENTS.filter((path) => path.startsWith('docs/')).flatMap((path) => codeIn(textOf(path))));
  const shapes = [webhookSchema, attemptSchema, createRequestSchema, batchOptionsSchema].map(({ shape }) => shape);
  expect(shapes.flatMap((shape) => Object.keys(shape)).filter((field) => !named.has(field))).toEqual([]);
});

test('every column that is encrypted is in the documents', () => {
  expect(ENCRYPTED_COLUMNS.filter((column) => !codeIn(textOf('docs/security.md')).includes(column))).toEqual([]);
});

test('each dependency has a reason in CONTRIBUTING.md, once', () => {
  const [, section = ''] = textOf('CONTRIBUTING.md').split('\n## Dependencies\n');
  const [entries = ''] = section.split('\n## ');
  const named = [...entries.matchAll(/^- ([^:]+):/gm)].flatMap(([, names = '']) => codeIn(names));
  expect(named.sort()).toEqual(Object.keys({ ...MANIFEST.dependencies, ...MANIFEST.optionalDependencies }).sort());
});
