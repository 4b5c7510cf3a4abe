import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HawserError, type SourceLocation } from '../../errors/hawser-error.ts';
import type { RunIsolation, RunMount, RunStep } from '../../runtime/run-step-types.ts';
import { byteString } from '../../util/byte-string.ts';
import { cacheKeyOf } from '../cache/key.ts';
import { makeFolders } from './copy/make-folders.ts';
import { emptyState } from './file-state.ts';
import type { ExecuteOptions, Operation } from './operation.ts';
import { OutputTail } from './output-tail.ts';

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
  readonly script?: RunScript;
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
}

const TAIL_LINES = 20;

/** RUN: a program in the files of the stage so far. */
export function runOperation(definition: RunDefinition, surroundings: RunSurroundings): Operation {
  const { args, env, cwd, user, network, script, extraHosts } = definition;
  return {
    cacheKey: async ([parent]) =>
      cacheKeyOf('run', [
        parent?.chainID,
        args,
        env,
        cwd,
        user,
        network,
        script === undefined ? undefined : [script.path, script.content],
        extraHosts.map(({ host }) => host), // an address may differ from machine to machine
      ]),
    execute: ([parent = emptyState], options) =>
      options.workspace.change(parent, async root => {
        await withScript(script, async mounts => {
          await runInside(root, mounts, { definition, surroundings, options });
        });
      }),
  };
}

interface RunWork {
  readonly definition: RunDefinition;
  readonly surroundings: RunSurroundings;
  readonly options: ExecuteOptions;
}

async function runInside(rootfs: string, mounts: readonly RunMount[], work: RunWork): Promise<void> {
  const { definition, surroundings, options } = work;
  const tail = new OutputTail(TAIL_LINES);
  const runStep = await surroundings.loadRunStep();
  // A WORKDIR of the base image need not be there.
  makeFolders(byteString(rootfs), byteString(definition.cwd), { owner: { uid: 0, gid: 0 }, mode: 0o755 });
  const { exitCode } = await runStep({
    rootfs,
    mounts,
    args: definition.args,
    env: [...definition.env, ...definition.proxies],
    cwd: definition.cwd,
    ...(definition.user === '' ? {} : { user: definition.user }),
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
  if (exitCode !== 0) throw stepFailed(definition, exitCode, tail.lines());
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

/** Puts the script into a file on the host for the time of `work`. A crash leaves it in the system's temporary folder. */
async function withScript(
  script: RunScript | undefined,
  work: (mounts: readonly RunMount[]) => Promise<void>,
): Promise<void> {
  if (script === undefined) return work([]);
  const folder = await mkdtemp(join(tmpdir(), 'hawser-script-'));
  try {
    const source = join(folder, 'script');
    await writeFile(source, script.content, { mode: 0o755 });
    await work([{ type: 'bind', source, target: script.path, readOnly: true }]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
