import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { init, parse } from 'es-module-lexer';
import { runEntryPoint } from './entry-point.js';
import { runGuarded } from './guarded-process.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NAME = 'postcall-webhooks-client';

/** What a service needs that only starts, watches and steers batches. The command line is a program of the whole package. */
const ROOMS = ['client', 'contract'];
const isPacked = (path: string): boolean => !relative(join(ROOT, 'dist'), path).startsWith(join('client', 'cli'));

interface Manifest {
  version: string;
  dependencies: Record<string, string>;
  [key: string]: unknown;
}

/** Packs the compiled client with a manifest of its own into the folder that the command line names, or this one. */
async function main(signal: AbortSignal): Promise<void> {
  const destination = process.argv[2] ?? process.cwd();
  const stage = await mkdtemp(join(tmpdir(), `${NAME}-`));
  try {
    const { version } = await stageClient(stage);
    await mkdir(destination, { recursive: true });
    const { code, output } = await runGuarded('npm', ['pack', stage, '--pack-destination', destination], { signal });
    if (code !== 0) throw new Error(`npm pack failed:\n${output}`);
    console.log(join(destination, `${NAME}-${version}.tgz`));
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

async function stageClient(stage: string): Promise<Manifest> {
  for (const room of ROOMS) {
    await cp(join(ROOT, 'dist', room), join(stage, 'dist', room), { recursive: true, filter: isPacked });
  }
  const whole = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Manifest;
  const manifest = manifestOf(whole, await importedPackages(stage));
  await writeFile(join(stage, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  await writeFile(join(stage, 'README.md'), README);
  await cp(join(ROOT, 'LICENSE'), join(stage, 'LICENSE'));
  return manifest;
}

function manifestOf(whole: Manifest, packages: readonly string[]): Manifest {
  const { version, license, engines, keywords } = whole;
  const undeclared = packages.filter((name) => whole.dependencies[name] === undefined);
  if (undeclared.length > 0) throw new Error(`package.json has no dependency ${undeclared.join(', ')}`);
  const entry = (room: string) => ({ types: `./dist/${room}/index.d.ts`, default: `./dist/${room}/index.js` });
  return {
    name: NAME,
    version,
    description: 'The client of postcall-webhooks alone: starts, watches and steers batches of post-call webhooks.',
    keywords,
    license,
    type: 'module',
    engines,
    files: ['dist'],
    exports: { '.': entry('client'), './contract': entry('contract'), './package.json': './package.json' },
    dependencies: Object.fromEntries(packages.map((name) => [name, whole.dependencies[name] ?? ''])),
  };
}

/** Of code and of declarations: types that cannot be resolved turn into `any` without a word. */
async function importedPackages(folder: string): Promise<string[]> {
  await init;
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const specifiers = await Promise.all(
    files
      .filter(({ name }) => name.endsWith('.js') || name.endsWith('.d.ts'))
      .map(async ({ parentPath, name }) => importsOf(await readFile(join(parentPath, name), 'utf8'))),
  );
  const packages = specifiers.flat().filter(isPackage).map(packageOf);
  return [...new Set(packages)].sort();
}

const importsOf = (code: string): string[] => parse(code)[0].flatMap(({ n: specifier }) => specifier ?? []);

const isPackage = (specifier: string): boolean =>
  !specifier.startsWith('.') && !specifier.startsWith('node:') && !builtinModules.includes(specifier);

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

const README = `# ${NAME}

The client of postcall-webhooks, for services that start, watch and steer batches and run no worker. It needs Temporal
alone; workers, the HTTP API and the command line are in the package \`postcall-webhooks\`. Use the same version of both.

\`\`\`ts
import { PostcallClient } from '${NAME}';

const postcall = await PostcallClient.connect(); // where TEMPORAL_ADDRESS and its kin say
await postcall.create({ user_id: 'acme', call_ids: ['c-17'], webhook_url: 'https://example.com/hooks/calls' });
\`\`\`
`;

runEntryPoint(main);
