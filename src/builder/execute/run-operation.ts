import { HawserError, isHawserError, type SourceLocation } from '../../errors/hawser-error.ts';
import type { RunIsolation, RunMount, RunStep } from '../../runtime/run-step-types.ts';
import { byteString } from '../../util/byte-string.ts';
import { cacheKeyOf, type KeyPart } from '../cache/key.ts';
import { makeFolders } from './copy/make-folders.ts';
import { emptyState, type FileState } from './file-state.ts';
import { contextDigest, type MountSource, stageDigest } from './mounts/mount-source.ts';
import { type MountServices, type PreparedMounts, withMounts } from './mounts/prepare-mounts.ts';
import { mountKey, type StepMount, treeOf } from './mounts/step-mounts.ts';
import type { ExecuteOptions, Operation } from './operation.ts';
import { OutputTail } from './output-tail.ts';
import { lookUpOwner } from './owner.ts';
import type { Workspace } from './workspace.ts';

/** A here-document that begins with `#!`: a program of its own. */
export interface RunScript {
  /** Absolute path inside, e.g. `/dev/pipes/EOF`. */
  readonly path: string;
  readonly content: string;
}

export interface RunDefinition {
  readonly args: readonly string[];
  /** `NAME=value` */
  readonly env: readonly string[];
  /** Proxy settings, which are seen by the program and no part of the key. */
  readonly proxies: readonly string[];
  readonly cwd: string;
  readonly user: string;
  readonly network: 'host' | 'none' | 'default';
  /** `--security=insecure` */
  readonly privileged: boolean;
  readonly script?: RunScript;
  /** Those that show an input name it by its number. */
  readonly mounts: readonly StepMount[];
  readonly extraHosts: readonly { readonly host: string; readonly address: string }[];
  /** As the Dockerfile has it, for the message when it fails. */
  readonly text: string;
  readonly location: SourceLocation;
}

export interface RunSurroundings {
  readonly loadRunStep: () => Promise<RunStep>;
  /** HAWSER_RUN */
  readonly run: string;
  readonly isolation: RunIsolation;
  readonly mounts: MountServices;
}

const TAIL_LINES = 20;

/** RUN: a program in the files of the stage so far. */
export function runOperation(definition: RunDefinition, surroundings: RunSurroundings): Operation {
  const { mounts, location } = definition;
  const showsInput = mounts.some(mount => inputOf(mount) !== undefined);
  const byContent = async (inputs: readonly FileState[], workspace: Workspace) => {
    const shown = mounts.map(mount => shownContent(mount, inputs, workspace));
    return runKey(definition, inputs, await Promise.all(shown));
  };
  return {
    cacheKey: async inputs => {
      const shown = mounts.map(async mount => {
        const input = inputOf(mount);
        const source = sourceOf(mount);
        if (input !== undefined) return ['state', inputs[input]?.chainID, source?.path];
        return source === undefined ? undefined : contextDigest(source);
      });
      return runKey(definition, inputs, await Promise.all(shown));
    },
    ...(showsInput ? { contentKey: byContent } : {}),
    execute: (inputs, options) =>
      options.workspace.change(inputs[0] ?? emptyState, async root => {
        const { workspace, signal, warn } = options;
        const work = { services: surroundings.mounts, inputs, workspace, signal, warn, location };
        await withMounts(mounts, work, prepared =>
          runInside(root, prepared, { definition, surroundings, options }),
        );
      }),
  };
}

function runKey(definition: RunDefinition, inputs: readonly FileState[], shown: readonly KeyPart[]) {
  const { args, env, cwd, user, network, privileged, script, extraHosts, mounts } = definition;
  return cacheKeyOf('run', [
    inputs[0]?.chainID,
    args,
    env,
    cwd,
    user,
    network,
    privileged,
    script === undefined ? undefined : [script.path, script.content],
    extraHosts.map(({ host }) => host), // an address may differ from machine to machine
    mounts.map(mountKey),
    shown,
  ]);
}

function inputOf(mount: StepMount): number | undefined {
  const tree = treeOf(mount);
  return tree !== undefined && 'input' in tree ? tree.input : undefined;
}

function sourceOf(mount: StepMount): MountSource | undefined {
  const tree = treeOf(mount);
  if (tree === undefined || (mount.type !== 'bind' && mount.type !== 'cache')) return undefined;
  return { tree, path: mount.source };
}

/** Digest of what a mount shows, if it shows files. */
async function shownContent(
  mount: StepMount,
  inputs: readonly FileState[],
  workspace: Workspace,
): Promise<string | undefined> {
  const source = sourceOf(mount);
  const input = inputOf(mount);
  if (source === undefined) return undefined;
  if (input === undefined) return contextDigest(source);
  return stageDigest(source, inputs[input] ?? emptyState, workspace);
}

interface RunWork {
  readonly definition: RunDefinition;
  readonly surroundings: RunSurroundings;
  readonly options: ExecuteOptions;
}

async function runInside(rootfs: string, prepared: PreparedMounts, work: RunWork): Promise<void> {
  const { definition, surroundings, options } = work;
  const { user, script } = definition;
  const tail = new OutputTail(TAIL_LINES);
  const runStep = await surroundings.loadRunStep();
  // A WORKDIR of the base image need not be there.
  const owner = lookUpOwner(rootfs, user) ?? { uid: 0, gid: 0 };
  makeFolders(byteString(rootfs), byteString(definition.cwd), { owner, mode: 0o755 });
  const step = runStep({
    rootfs,
    mounts: [...prepared.mounts, ...(script === undefined ? [] : [scriptMount(script)])],
    args: definition.args,
    env: [...definition.env, ...definition.proxies, ...prepared.env],
    cwd: definition.cwd,
    ...(user === '' ? {} : { user }),
    privileged: definition.privileged,
    network: definition.network,
    extraHosts: definition.extraHosts,
    isolation: surroundings.isolation,
    run: surroundings.run,
    signal: options.signal,
    onOutput(stream, chunk) {
      tail.write(chunk);
      options.output(stream, chunk);
    },
  });
  const exitCode = await exitCodeOf(step);
  if (exitCode !== 0) throw stepFailed(definition, exitCode, tail.lines());
}

/** A program that cannot be started has failed as one that a shell cannot start. */
async function exitCodeOf(step: ReturnType<RunStep>): Promise<number> {
  try {
    return (await step).exitCode;
  } catch (error) {
    if (isHawserError(error, 'COMMAND_NOT_FOUND')) return 127;
    if (isHawserError(error, 'COMMAND_NOT_EXECUTABLE')) return 126;
    throw error;
  }
}

function stepFailed(definition: RunDefinition, exitCode: number, output: readonly string[]): HawserError {
  const said =
    output.length === 0 ? ' and wrote nothing' : `:\n${output.map(line => `  ${line}`).join('\n')}`;
  return new HawserError('BUILD_STEP_FAILED', `${definition.text} ended with exit code ${exitCode}${said}`, {
    location: definition.location,
    detail: { exitCode, output },
    remedy: remedyFor(exitCode),
  });
}

function remedyFor(exitCode: number): string {
  if (exitCode === 127)
    return 'The command is not in the image: check its name, or install it in a RUN before.';
  if (exitCode === 126) return 'The command cannot be executed: check its mode and its interpreter.';
  if (exitCode === 137) return 'It was killed, most often for want of memory.';
  return 'See its output above.';
}

function scriptMount({ path, content }: RunScript): RunMount {
  return { type: 'file', target: path, content: Buffer.from(content), mode: 0o755, uid: 0, gid: 0 };
}
