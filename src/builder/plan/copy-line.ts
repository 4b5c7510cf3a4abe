import { posix } from 'node:path';
import type { AddInstruction, CopyInstruction } from '../dockerfile/instructions.ts';
import { type ModeChange, parseModeChange } from '../execute/copy/file-mode.ts';
import { type CopyDefinition, copyOperation, type RequestedSource } from '../execute/copy-operation.ts';
import type { LineContext } from './line-context.ts';
import { remoteSource } from './remote-line.ts';
import type { StageDraft } from './stage-draft.ts';

/** COPY and ADD: a step with the files that they name. */
export function applyCopy(
  instruction: CopyInstruction | AddInstruction,
  draft: StageDraft,
  line: LineContext,
): StageDraft {
  const isAdd = instruction.kind === 'add';
  const expand = (word: typeof instruction.chown) => (word === undefined ? '' : line.expand(word, draft));
  const chown = expand(instruction.chown);
  const chmod = expand(instruction.chmod);
  const sources = requestedSources(instruction, draft, line);
  const from =
    instruction.kind === 'copy' && instruction.from !== undefined
      ? line.sourceOf(instruction.from, 'copy')
      : undefined;
  const destination = line.expand(instruction.destination, draft);
  const unpack = instruction.kind === 'add' ? instruction.unpack : false;
  const definition: CopyDefinition = {
    instruction: isAdd ? 'ADD' : 'COPY',
    sources,
    target: targetPath(destination, draft),
    chown: chown === '' ? undefined : chown,
    chmod: chmod === '' ? undefined : modeOf(chmod, instruction, line),
    parents: instruction.kind === 'copy' && instruction.parents,
    excludes: instruction.excludes.map(({ text }) => text),
    link: instruction.link && mayLink(chown, chmod),
    unpack: { paths: unpack ?? true, downloads: unpack ?? false },
    epoch: line.settings.epoch,
    from: from?.name ?? line.settings.context.name,
    context: from === undefined ? line.settings.context : from.context,
  };
  return line.step(draft, {
    operation: copyOperation(definition),
    history: historyOf(definition, { chmod, destination }),
    inputs: from?.vertex === undefined ? [] : [from.vertex],
  });
}

function requestedSources(
  instruction: CopyInstruction | AddInstruction,
  draft: StageDraft,
  line: LineContext,
): readonly RequestedSource[] {
  const checksum =
    instruction.kind === 'add' && instruction.checksum !== undefined
      ? line.expand(instruction.checksum, draft)
      : '';
  if (checksum !== '' && instruction.sources.length !== 1) {
    line.fail("checksum can't be specified for multiple sources", undefined, 'Write an ADD for each.');
  }
  const paths = instruction.sources.map((word): RequestedSource => {
    const path = line.expand(word, draft);
    const location = line.location(word);
    const remote = remoteSource({ instruction, word, path, checksum }, line);
    return remote === undefined
      ? { kind: 'path', path, location }
      : { kind: 'remote', path, location, remote };
  });
  const files = instruction.files.map(({ name, content, expand }): RequestedSource => {
    return { kind: 'inline', name, content: expand ? line.expandBody(content, draft) : content };
  });
  return [...paths, ...files];
}

/** Where COPY and ADD go: relative to WORKDIR; a `/` or `/.` at the end, `.` and nothing at all say a folder. */
function targetPath(written: string, draft: StageDraft): string {
  const path = posix.resolve('/', draft.config.WorkingDir ?? '/', written);
  const isFolder = written === '' || /(?:^|\/)\.?$/.test(written);
  return isFolder && path !== '/' ? `${path}/` : path;
}

function modeOf(text: string, instruction: CopyInstruction | AddInstruction, line: LineContext): ModeChange {
  const mode = parseModeChange(text);
  if (mode !== undefined) return mode;
  const isNumber = /^\d/.test(text);
  return line.fail(
    isNumber
      ? `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`
      : `invalid chmod parameter: '${text}'`,
    instruction.chmod,
    'Write an octal number from 0 to 07777, or letters as for chmod(1), e.g. u=rwX,go-w.',
  );
}

/**
 * BuildKit does not link where a mode is given. It cannot look a name up without the files below, and fails for one; a
 * plain copy gives what was meant.
 */
function mayLink(chown: string, chmod: string): boolean {
  return chmod === '' && (chown === '' || /^\d+(?::\d+)?$/.test(chown));
}

function historyOf(
  definition: CopyDefinition,
  written: { readonly chmod: string; readonly destination: string },
): string {
  const { instruction, parents, chown, sources } = definition;
  const words = [
    instruction,
    ...(parents ? ['--parents'] : []),
    ...(chown === undefined ? [] : [`--chown=${chown}`]),
    ...(written.chmod === '' ? [] : [`--chmod=${written.chmod}`]),
    ...sources.map(source => (source.kind === 'inline' ? `<<${source.name}` : source.path)),
    written.destination,
  ];
  return `${words.join(' ')} # buildkit`;
}
