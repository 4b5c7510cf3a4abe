import { statSync } from 'node:fs';
import { join } from 'node:path';
import { HawserError } from '../errors/hawser-error.ts';
import { throwIfAborted } from '../util/abort.ts';
import { chooseRuntime, requireRuntime } from './choose-runtime.ts';
import { MountStubs, type MountTarget } from './mount-stubs.ts';
import { processEnvironment } from './oci-spec.ts';
import { hostsFile, resolverConfiguration } from './resolver-files.ts';
import { checkLimits } from './resource-limits.ts';
import { runChrootStep } from './run-chroot-step.ts';
import { type PreparedStep, runOciStep } from './run-oci-step.ts';
import type { RunIsolation, RunMount, RunStep, RunStepOptions } from './run-step-types.ts';
import { sweepSteps } from './step-bundles.ts';
import { resolveUser } from './users.ts';

/** What every step finds mounted, whichever the isolation. */
const standardTargets: readonly MountTarget[] = [
  { path: '/proc', kind: 'folder' },
  { path: '/dev', kind: 'folder' },
  { path: '/sys', kind: 'folder' },
  { path: '/etc/resolv.conf', kind: 'file' },
  { path: '/etc/hosts', kind: 'file' },
];

const runtimes = new Map<string, Promise<string | undefined>>();

/** The runtime's path; undefined for chroot. Chosen once for each root. */
function runtimeFor(isolation: RunIsolation, run: string): Promise<string | undefined> {
  if (isolation === 'chroot') return Promise.resolve(undefined);
  const options = { run, env: process.env };
  if (isolation === 'oci') return requireRuntime(options);
  let chosen = runtimes.get(run);
  if (chosen === undefined) {
    chosen = chooseRuntime(options).then(choice => choice.path);
    runtimes.set(run, chosen);
  }
  return chosen;
}

function prepare(options: RunStepOptions): PreparedStep {
  if (options.args.length === 0) throw new HawserError('INVALID_ARGUMENT', 'the step has no command');
  // CVE-2024-21626: a working folder by way of a file descriptor would be the host's.
  if (!options.cwd.startsWith('/') || /^\/proc\/(self|\d+)\/(fd|cwd|root)(\/|$)/.test(options.cwd)) {
    throw new HawserError(
      'INVALID_ARGUMENT',
      `the working folder ${JSON.stringify(options.cwd)} is not allowed`,
      {
        remedy: 'Give WORKDIR an absolute path outside /proc.',
      },
    );
  }
  checkLimits(options.limits?.ulimits ?? []);
  const user = resolveUser(options.rootfs, options.user ?? '');
  const hostname = options.hostname ?? 'buildkitsandbox';
  const terminal = options.terminal === true;
  const network = options.network === 'none' ? 'none' : 'host';
  return {
    rootfs: options.rootfs,
    args: options.args,
    env: processEnvironment(options.env, { home: user.home, terminal }),
    terminal,
    cwd: options.cwd,
    user,
    // A target inside another is mounted after it; BuildKit sorts by path as well.
    mounts: (options.mounts ?? []).toSorted((a, b) => (a.target < b.target ? -1 : 1)),
    privileged: options.privileged === true,
    network,
    hostname,
    resolvConf: network === 'none' ? '' : resolverConfiguration({ ownNetwork: false }),
    hosts: hostsFile(options.extraHosts ?? [], { hostname, address: '127.0.0.1' }),
    limits: options.limits ?? {},
    onOutput: options.onOutput,
    signal: options.signal,
    run: options.run,
  };
}

function kindOf(mount: RunMount): MountTarget['kind'] {
  if (mount.type === 'tmpfs') return 'tmpfs';
  return mount.type === 'bind' && statSync(mount.source).isDirectory() ? 'folder' : 'file';
}

function targetsOf(step: PreparedStep): readonly MountTarget[] {
  return [...standardTargets, ...step.mounts.map(mount => ({ path: mount.target, kind: kindOf(mount) }))];
}

/** Ends and removes what steps of hawsers left that are gone. */
export async function sweepLeftSteps(run: string): Promise<void> {
  const path = await runtimeFor('auto', run);
  await sweepSteps(run, path === undefined ? undefined : { path, root: join(run, 'runc') });
}

/** See `RunStep` for shapes and errors. */
export const runStep: RunStep = async options => {
  throwIfAborted(options.signal);
  const path = await runtimeFor(options.isolation ?? 'auto', options.run);
  const runtime = path === undefined ? undefined : { path, root: join(options.run, 'runc') };
  await sweepSteps(options.run, runtime);
  const step = prepare(options);
  const stubs = new MountStubs(step.rootfs, targetsOf(step));
  try {
    if (runtime === undefined) return await runChrootStep(step);
    return await runOciStep(step, runtime);
  } finally {
    stubs.remove();
  }
};
