import { HawserError, isHawserError, type SourceLocation } from '../../errors/hawser-error.ts';
import type { Digest } from '../../image/digest.ts';
import { hostPlatform, type Platform } from '../../image/platform.ts';
import type { StepLimits } from '../../runtime/resource-limits.ts';
import type { RunIsolation, RunMount, RunStep } from '../../runtime/run-step-types.ts';
import { type ByteString, byteString } from '../../util/byte-string.ts';
import { withCaches } from '../cache/build-cache.ts';
import type { ContentSummary } from '../cache/content-digest.ts';
import { cacheKeyOf, type KeyPart } from '../cache/key.ts';
import { makeFolders } from './copy/make-folders.ts';
import { lstatOrNothing, resolveInside } from './copy/root-path.ts';
import { emptyState, type FileState } from './file-state.ts';
import { contextSummary, type MountSource, stageDigest } from './mounts/mount-source.ts';
import { type MountServices, type PreparedMounts, withMounts } from './mounts/prepare-mounts.ts';
import { type MountTree, mountKey, type StepMount, treeOf } from './mounts/step-mounts.ts';
import type { ExecuteOptions, Operation, Result } from './operation.ts';
import { OutputTail } from './output-tail.ts';
import { lookUpOwner } from './owner.ts';

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
  /** No part of the key, as in BuildKit. */
  readonly limits: StepLimits;
  /** That of the stage's files. */
  readonly platform: Platform;
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
  readonly debugShell?: DebugShell | undefined;
}

/** Is asked when a step has failed, before the build ends (`--debug-shell`). */
export type DebugShell = (failed: {
  /** What has failed, and how. */
  readonly message: string;
  /** The step, for a shell. */
  readonly command: string;
  /** Runs a shell in the state before the step, on the terminal, to its end. */
  readonly open: () => Promise<void>;
}) => Promise<void>;

const TAIL_LINES = 20;

/** RUN: a program in the files of the stage so far. */
export function runOperation(definition: RunDefinition, surroundings: RunSurroundings): Operation {
  return new RunOperation(definition, surroundings);
}

class RunOperation implements Operation {
  readonly contentKey?: Operation['contentKey'];
  readonly #definition: RunDefinition;
  readonly #surroundings: RunSurroundings;
  /** What mounts of the context showed when the key was made. */
  readonly #summaries = new Map<StepMount, ContentSummary>();

  constructor(definition: RunDefinition, surroundings: RunSurroundings) {
    this.#definition = definition;
    this.#surroundings = surroundings;
    if (!definition.mounts.some(mount => inputOf(mount) !== undefined)) return;
    this.contentKey = (inputs, workspace) =>
      this.#key(inputs, (source, state) => stageDigest(source, state, workspace));
  }

  cacheKey(inputs: readonly FileState[]) {
    return this.#key(inputs, async (source, state) => ['state', state.chainID, source.path]);
  }

  async execute(inputs: readonly FileState[], options: ExecuteOptions): Promise<Result> {
    try {
      return await this.#run(inputs, options);
    } catch (error) {
      const { debugShell } = this.#surroundings;
      if (debugShell === undefined || !isHawserError(error, 'BUILD_STEP_FAILED')) throw error;
      await debugShell({
        message: error.message,
        command: commandOf(this.#definition.args),
        open: () => this.#openShell(inputs, options),
      });
      throw error;
    }
  }

  async #openShell(inputs: readonly FileState[], options: ExecuteOptions): Promise<void> {
    const { mounts, location } = this.#definition;
    const { workspace, signal, warn } = options;
    const root = await workspace.scratch(inputs[0] ?? emptyState);
    const work = { services: this.#surroundings.mounts, inputs, workspace, signal, warn, location };
    const args = [shellIn(root)];
    await withMounts(mounts, work, async prepared => {
      const definition = { ...this.#definition, args };
      await startInside(root, prepared, {
        definition,
        surroundings: this.#surroundings,
        options: { ...options, output: () => undefined },
        terminal: true,
      });
    });
  }

  async #run(inputs: readonly FileState[], options: ExecuteOptions): Promise<Result> {
    const { mounts, location } = this.#definition;
    const { workspace, signal, warn } = options;
    const services = this.#surroundings.mounts;
    let changed: MountTree | undefined;
    let caches: readonly string[] = [];
    const layer = await workspace.change(inputs[0] ?? emptyState, async root => {
      const work = { services, inputs, workspace, signal, warn, location };
      await withMounts(mounts, work, async prepared => {
        const one = [...prepared.copied].find(
          ([mount, fingerprint]) => fingerprint !== this.#summaries.get(mount)?.fingerprint,
        );
        changed = one === undefined ? undefined : treeOf(one[0]);
        caches = prepared.caches;
        const definition = this.#definition;
        await runInside(root, prepared, { definition, surroundings: this.#surroundings, options });
      });
    });
    if (changed === undefined) return withCaches(layer, caches);
    warn(`${changed.name} changed while it was read: this step is not kept in the cache`);
    return { ...layer, transient: true };
  }

  /** @param nameOfStage Names what a mount shows of a stage. */
  async #key(
    inputs: readonly FileState[],
    nameOfStage: (source: MountSource, state: FileState) => Promise<KeyPart>,
  ): Promise<Digest> {
    const shown = this.#definition.mounts.map(async mount => {
      const source = sourceOf(mount);
      const input = inputOf(mount);
      if (source === undefined) return undefined;
      if (input !== undefined) return nameOfStage(source, inputs[input] ?? emptyState);
      const summary = await contextSummary(source);
      if (summary !== undefined) this.#summaries.set(mount, summary);
      return summary?.digest;
    });
    return runKey(this.#definition, inputs, await Promise.all(shown));
  }
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

interface RunWork {
  readonly definition: RunDefinition;
  readonly surroundings: RunSurroundings;
  readonly options: ExecuteOptions;
  readonly terminal?: boolean;
}

async function runInside(rootfs: string, prepared: PreparedMounts, work: RunWork): Promise<void> {
  const tail = new OutputTail(TAIL_LINES);
  const output: ExecuteOptions['output'] = (stream, chunk) => {
    tail.write(chunk);
    work.options.output(stream, chunk);
  };
  const exitCode = await startInside(rootfs, prepared, { ...work, options: { ...work.options, output } });
  if (exitCode !== 0) throw stepFailed(work.definition, exitCode, tail.lines());
}

/** @returns the exit code */
async function startInside(rootfs: string, prepared: PreparedMounts, work: RunWork): Promise<number> {
  const { definition, surroundings, options, terminal } = work;
  const { user, script } = definition;
  const runStep = await surroundings.loadRunStep();
  if (isForeign(definition.platform)) {
    const { requireRunnable } = await import('../../runtime/emulation.ts');
    requireRunnable(definition.platform, { rootfs });
  }
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
    limits: definition.limits,
    isolation: surroundings.isolation,
    run: surroundings.run,
    signal: options.signal,
    ...(terminal === true ? { terminal } : {}),
    onOutput: options.output,
  });
  return exitCodeOf(step);
}

function isForeign({ os, architecture }: Platform): boolean {
  const host = hostPlatform();
  return os !== host.os || architecture !== host.architecture;
}

/** @throws HawserError COMMAND_NOT_FOUND */
function shellIn(rootfs: string): string {
  const root = byteString(rootfs);
  const found = ['/bin/bash', '/bin/sh'].find(path => {
    const inside = resolveInside(root, byteString(path), { followLast: true });
    return lstatOrNothing(`${root}${inside}` as ByteString)?.isFile() === true;
  });
  if (found !== undefined) return found;
  throw new HawserError('COMMAND_NOT_FOUND', 'the image has no /bin/sh for --debug-shell', {
    remedy: 'Put a shell into the image of that stage while you look for the mistake.',
  });
}

function commandOf(args: readonly string[]): string {
  const [, option, text] = args;
  if (args.length === 3 && option === '-c' && text !== undefined) return text;
  return args
    .map(word => (/^[\w./=:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');
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

/** The whole command stands below, with its place. */
function shortened(text: string): string {
  const characters = [...text];
  return characters.length > 100 ? `${characters.slice(0, 99).join('')}…` : text;
}

function stepFailed(definition: RunDefinition, exitCode: number, output: readonly string[]): HawserError {
  const said =
    output.length === 0 ? ' and wrote nothing' : `:\n${output.map(line => `  ${line}`).join('\n')}`;
  return new HawserError(
    'BUILD_STEP_FAILED',
    `${shortened(definition.text)} ended with exit code ${exitCode}${said}`,
    {
      location: definition.location,
      detail: { exitCode, output },
      remedy: remedyFor(exitCode, output),
    },
  );
}

function remedyFor(exitCode: number, output: readonly string[]): string {
  if (output.some(line => /no space left on device/i.test(line)))
    return 'The disk is full: free space, e.g. with hawser system prune, and build again.';
  if (exitCode === 127)
    return 'The command is not in the image: check its name, or install it in a RUN before.';
  if (exitCode === 126) return 'The command cannot be executed: check its mode and its interpreter.';
  if (exitCode === 137) return 'It was killed, most often for want of memory.';
  return 'See its output above.';
}

function scriptMount({ path, content }: RunScript): RunMount {
  return { type: 'file', target: path, content: Buffer.from(content), mode: 0o755, uid: 0, gid: 0 };
}
