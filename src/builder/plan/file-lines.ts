import { posix } from 'node:path';
import type {
  AddInstruction,
  CopyInstruction,
  RunInstruction,
  WorkdirInstruction,
} from '../dockerfile/instructions.ts';
import { type CopyDefinition, copyOperation } from '../execute/copy-operation.ts';
import { makeFolderOperation } from '../execute/make-folder-operation.ts';
import { runOperation } from '../execute/run-operation.ts';
import type { LineContext } from './line-context.ts';
import { proxySettings, runEnvironment, runHistory, runWords } from './run-line.ts';
import { type StageDraft, withConfig, withHistory } from './stage-draft.ts';

/* The lines that change files: each adds a step to the graph, and a layer. */

export function applyRun(instruction: RunInstruction, draft: StageDraft, line: LineContext): StageDraft {
  const unsupported = unsupportedRunFlag(instruction);
  if (unsupported !== undefined) line.fail(`RUN ${unsupported} is not supported yet`);
  const { settings } = line;
  const { args, script } = runWords(instruction, draft);
  const operation = runOperation(
    {
      args,
      env: runEnvironment(draft),
      proxies: proxySettings(settings.buildArgs),
      cwd: draft.config.WorkingDir ?? '/',
      user: draft.config.User ?? '',
      network: instruction.network === 'default' ? settings.network : instruction.network,
      extraHosts: settings.extraHosts,
      text: instruction.text,
      location: line.location(),
      ...(script === undefined ? {} : { script }),
    },
    settings.surroundings,
  );
  return line.step(draft, { operation, history: runHistory(args, draft) });
}

function unsupportedRunFlag(instruction: RunInstruction): string | undefined {
  if (instruction.mounts.length > 0) return '--mount';
  if (instruction.devices.length > 0) return '--device';
  return instruction.security === 'insecure' ? '--security=insecure' : undefined;
}

/** Relative to the one before, `..` resolved; the folder is made unless it is the root. */
export function applyWorkdir(
  instruction: WorkdirInstruction,
  draft: StageDraft,
  line: LineContext,
): StageDraft {
  const path = posix.resolve('/', draft.config.WorkingDir ?? '/', line.expand(instruction.path, draft));
  const next = withConfig(draft, { WorkingDir: path });
  const history = `WORKDIR ${path}`;
  if (path === '/') return withHistory(next, history, { layer: false });
  const operation = makeFolderOperation({ path, user: draft.config.User ?? '', epoch: line.settings.epoch });
  return line.step(next, { operation, history });
}

/** Where COPY and ADD go: relative to WORKDIR; a `/` at the end, `.` and nothing at all say a folder. */
function targetPath(written: string, draft: StageDraft): string {
  const path = posix.resolve('/', draft.config.WorkingDir ?? '/', written);
  const isFolder = written === '' || written === '.' || written.endsWith('/');
  return isFolder && path !== '/' ? `${path}/` : path;
}

/** An octal number up to 07777. */
function parseMode(text: string): number | undefined {
  return /^[0-7]{1,5}$/.test(text) && Number.parseInt(text, 8) <= 0o7777
    ? Number.parseInt(text, 8)
    : undefined;
}

export function applyCopy(
  instruction: CopyInstruction | AddInstruction,
  draft: StageDraft,
  line: LineContext,
): StageDraft {
  const unsupported = unsupportedCopyFlag(instruction);
  if (unsupported !== undefined) line.fail(`${unsupported} is not supported yet`);
  const isAdd = instruction.kind === 'add';
  const sources = instruction.sources.map(word => line.expand(word, draft));
  const remote = sources.find(isRemote);
  if (remote !== undefined) refuseRemote(remote, isAdd, line);
  const chown = instruction.chown === undefined ? undefined : line.expand(instruction.chown, draft);
  const chmod = instruction.chmod === undefined ? undefined : line.expand(instruction.chmod, draft);
  const mode = chmod === undefined ? undefined : parseMode(chmod);
  if (chmod !== undefined && mode === undefined) {
    line.fail(
      `invalid chmod parameter: '${chmod}'`,
      instruction.chmod,
      'Write an octal number from 0 to 07777.',
    );
  }
  const from =
    instruction.kind === 'copy' && instruction.from !== undefined
      ? line.sourceOf(instruction.from)
      : undefined;
  const destination = line.expand(instruction.destination, draft);
  const definition: CopyDefinition = {
    instruction: isAdd ? 'ADD' : 'COPY',
    sources,
    inline: instruction.files.map(({ name, content, expand }) => ({
      name,
      content: expand ? line.expandBody(content, draft) : content,
    })),
    target: targetPath(destination, draft),
    chown: chown === '' ? undefined : chown,
    chmod: mode,
    unpack: isAdd && instruction.unpack !== false,
    epoch: line.settings.epoch,
    from: from?.name ?? 'the build context',
    location: line.location(),
    ...(from === undefined ? { context: line.settings.context } : {}),
  };
  const words = [
    isAdd ? 'ADD' : 'COPY',
    ...(chown ? [`--chown=${chown}`] : []),
    ...(chmod ? [`--chmod=${chmod}`] : []),
    ...sources,
    ...instruction.files.map(({ name }) => `<<${name}`),
    destination,
  ];
  const inputs = from === undefined ? [] : [from.vertex];
  return line.step(draft, {
    operation: copyOperation(definition),
    history: `${words.join(' ')} # buildkit`,
    inputs,
  });
}

function unsupportedCopyFlag(instruction: CopyInstruction | AddInstruction): string | undefined {
  const keyword = instruction.kind === 'copy' ? 'COPY' : 'ADD';
  if (instruction.excludes.length > 0) return `${keyword} --exclude`;
  if (instruction.kind === 'copy') return instruction.parents ? 'COPY --parents' : undefined;
  return instruction.checksum === undefined ? undefined : 'ADD --checksum';
}

function isRemote(source: string): boolean {
  return /^(?:https?:\/\/|git@|git:\/\/|ssh:\/\/)/.test(source);
}

function refuseRemote(source: string, isAdd: boolean, line: LineContext): never {
  if (!isAdd) return line.fail("source can't be a URL for COPY", undefined, 'Use ADD.');
  return line.fail(
    `ADD of ${source}: remote sources are not supported yet`,
    undefined,
    'Fetch it in a RUN, e.g. with curl.',
  );
}
