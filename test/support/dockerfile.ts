import { execFile } from 'node:child_process';
import { chown, cp, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import ignore from '@balena/dockerignore';
import {
  type Copy,
  DockerfileParser,
  type Env,
  type From,
  type Healthcheck,
  type Instruction,
  type JSONInstruction,
} from 'dockerfile-ast';

/** Its types name a default export, where the module itself is the function. */
const dockerignore = ignore as unknown as typeof ignore.default;

/** A stage whose steps were executed: its file system is a folder, its user one without rights. */
export interface BuiltStage {
  /** Stands for `/`. */
  root: string;
  /** The folder of WORKDIR, below `root`. */
  workdir: string;
  environment: Record<string, string>;
  command: string[];
  healthcheck: string[];
  user: string | undefined;
}

export interface BuildOptions {
  dockerfile: string;
  /** The build context. Its ignore file is the one beside the Dockerfile. */
  context: string;
  /** An empty folder, in which each stage gets one of its own. */
  folder: string;
  /** The user who executes the steps; undefined: the user of this process. */
  user: { uid: number; gid: number } | undefined;
  /** Beside what the Dockerfile sets. */
  environment: Record<string, string>;
}

/**
 * Does what a Dockerfile says, in folders instead of in images, and returns its last stage. Base images stand for this machine: what is to
 * be run uses its Node.js. Knows the instructions that the project's Dockerfile has, and refuses others.
 */
export async function buildInFolders(options: BuildOptions): Promise<BuiltStage> {
  const file = DockerfileParser.parse(await readFile(options.dockerfile, 'utf8'));
  const context = await contextFiles(options);
  const stages = new Map<string, BuiltStage>();
  let current: BuiltStage | undefined;
  for (const instruction of file.getInstructions()) {
    if (instruction.getKeyword() === 'ARG') continue; // Of base images alone.
    if (instruction.getKeyword() === 'FROM') {
      const name = (instruction as From).getBuildStage() ?? 'last';
      current = await newStage(options, name);
      stages.set(name, current);
    } else if (current) {
      await execute(instruction, current, { ...options, files: context, stages });
    }
  }
  if (!current) throw new Error(`${options.dockerfile} has no stage`);
  return current;
}

async function newStage({ folder, user }: BuildOptions, name: string): Promise<BuiltStage> {
  const root = join(folder, name);
  await makeFolder(root, user);
  return { root, workdir: root, environment: {}, command: [], healthcheck: [], user: undefined };
}

interface Step extends BuildOptions {
  /** Of the context, as the ignore file leaves them. */
  files: string[];
  stages: ReadonlyMap<string, BuiltStage>;
}

async function execute(instruction: Instruction, stage: BuiltStage, step: Step): Promise<void> {
  const values = instruction.getArguments().map((argument) => argument.getValue());
  switch (instruction.getKeyword()) {
    case 'WORKDIR':
      stage.workdir = join(stage.root, values[0] ?? '');
      await makeFolder(stage.workdir, step.user);
      return;
    case 'ENV':
      for (const property of (instruction as Env).getProperties()) {
        stage.environment[property.getName()] = property.getUnescapedValue() ?? '';
      }
      return;
    case 'COPY':
      await copy(values, (instruction as Copy).getFromFlag()?.getValue() ?? undefined, stage, step);
      return;
    case 'RUN':
      await run(instruction.getArgumentsContent() ?? '', stage, step);
      return;
    case 'USER':
      stage.user = values[0];
      return;
    case 'CMD':
      stage.command = jsonOf(instruction as JSONInstruction);
      return;
    case 'HEALTHCHECK': {
      const [, words = '[]'] = /CMD\s+(\[.*\])/.exec((instruction as Healthcheck).getArgumentsContent() ?? '') ?? [];
      stage.healthcheck = JSON.parse(words) as string[];
      return;
    }
    case 'EXPOSE':
      return;
    default:
      throw new Error(`${instruction.getKeyword()} is not known here`);
  }
}

const jsonOf = (instruction: JSONInstruction): string[] =>
  instruction.getJSONStrings().map((argument) => argument.getJSONValue());

async function makeFolder(path: string, user: BuildOptions['user']): Promise<void> {
  await mkdir(path, { recursive: true });
  if (user) await chown(path, user.uid, user.gid);
}

async function run(script: string, { workdir, environment }: BuiltStage, step: Step): Promise<void> {
  const { PATH = '' } = process.env;
  await promisify(execFile)('sh', ['-euc', script], {
    cwd: workdir,
    env: { PATH, ...step.environment, ...environment },
    maxBuffer: 10_000_000,
    ...step.user,
  });
}

/** Files go into a folder whose name ends with a slash, and a folder's content into the folder. */
async function copy(values: string[], from: string | undefined, stage: BuiltStage, step: Step): Promise<void> {
  const target = values.at(-1) ?? '';
  const destination = join(target.startsWith('/') ? stage.root : stage.workdir, target);
  for (const source of values.slice(0, -1)) {
    if (from === undefined) await copyFromContext(source, destination, target, step);
    else await copyPath(join(stageOf(from, step).root, source), destination, target);
  }
  const { user } = step;
  if (user) await promisify(execFile)('chown', ['-R', `${user.uid}:${user.gid}`, destination]);
}

function stageOf(name: string, { stages }: Step): BuiltStage {
  const stage = stages.get(name);
  if (!stage) throw new Error(`COPY --from=${name}: no such stage`);
  return stage;
}

async function copyPath(source: string, destination: string, target: string): Promise<void> {
  const isFolder = (await stat(source)).isDirectory();
  await mkdir(isFolder || target.endsWith('/') ? destination : dirname(destination), { recursive: true });
  await promisify(execFile)('cp', ['-a', isFolder ? `${source}/.` : source, destination]);
}

async function copyFromContext(source: string, destination: string, target: string, step: Step): Promise<void> {
  const prefix = source === '.' ? '' : source;
  const isFile = step.files.includes(source);
  const chosen = step.files.filter((file) => (isFile ? file === source : file.startsWith(prefix)));
  if (chosen.length === 0) throw new Error(`COPY ${source}: the context has no such file`);
  for (const file of chosen) {
    const name = isFile ? basename(file) : file.slice(prefix.length);
    const into = isFile && !target.endsWith('/') ? destination : join(destination, name);
    await mkdir(dirname(into), { recursive: true });
    await cp(join(step.context, file), into);
  }
}

/** What Docker would send: everything that the ignore file does not take out. */
async function contextFiles({ context, dockerfile }: BuildOptions): Promise<string[]> {
  const ignored = dockerignore().add((await readFile(`${dockerfile}.dockerignore`, 'utf8')).split('\n'));
  const top = (await readdir(context)).filter((name) => !['node_modules', '.git', 'dist'].includes(name));
  const files: string[] = [];
  for (const name of top) {
    if (!(await stat(join(context, name))).isDirectory()) files.push(name);
    else {
      const entries = await readdir(join(context, name), { recursive: true, withFileTypes: true });
      for (const entry of entries) {
        if (entry.isFile()) files.push(join(entry.parentPath, entry.name).slice(context.length).replace(/^\//, ''));
      }
    }
  }
  return ignored.filter(files);
}
