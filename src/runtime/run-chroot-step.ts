import { rmSync } from 'node:fs';
import { mountLines } from './chroot-mounts.ts';
import { findProgram, requireProgram } from './find-program.ts';
import { containerCapabilities, hostCapabilities } from './oci/capabilities.ts';
import { prlimitWords, refuseCgroupLimits } from './resource-limits.ts';
import type { PreparedStep } from './run-oci-step.ts';
import { runPlainStep } from './run-plain-step.ts';
import { runProgram } from './run-program.ts';
import type { RunStepResult } from './run-step-types.ts';
import { quote } from './shell-quote.ts';
import { makeStepBundle, writeStepFiles } from './step-bundles.ts';
import { runStepProcess } from './step-process.ts';

/** What unshare(1) may do here, the strongest that works. */
type Grant = 'all' | 'mounts' | 'nothing';

const grantArguments: Readonly<Record<Grant, readonly string[]>> = {
  all: ['--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child', '--propagation', 'private'],
  mounts: ['--mount', '--propagation', 'private'],
  nothing: [],
};

let grant: Promise<Grant> | undefined;

async function probeGrant(): Promise<Grant> {
  const unshare = findProgram('unshare');
  if (unshare === undefined || findProgram('setpriv') === undefined) return 'nothing';
  for (const candidate of ['all', 'mounts'] as const) {
    // Mounting is what a namespace alone does not promise: AppArmor and seccomp may forbid it.
    const script = 'mount -t tmpfs probe /tmp';
    const tried = await runProgram(unshare, [...grantArguments[candidate], '/bin/sh', '-c', script]);
    if (tried.exitCode === 0) return candidate;
  }
  return 'nothing';
}

/**
 * From here on nothing of the host is looked at but the root: setpriv takes groups and capabilities (chroot is among the
 * default ones), unshare changes root, folder and user in that order.
 */
function enterLine(step: PreparedStep, tools: Tools): string {
  const host = hostCapabilities();
  const allowed = containerCapabilities(host, { privileged: step.privileged });
  const dropped = host.filter(name => !allowed.includes(name)).map(name => `-${name.slice(4).toLowerCase()}`);
  const { uid, gid, additionalGids } = step.user;
  const loader = step.env.filter(entry => entry.startsWith('LD_'));
  // The dynamic loader of the host must not see them: env(1) of the image sets them.
  const command = loader.length > 0 ? ['/usr/bin/env', ...loader, ...step.args] : step.args;
  const env = step.env.filter(entry => !entry.startsWith('LD_'));
  const ulimits = step.limits.ulimits ?? [];
  const prlimit = ulimits.length === 0 ? '' : requireProgram('prlimit', { package: 'util-linux' });
  const words = [
    ...prlimitWords(prlimit, ulimits),
    tools.setpriv,
    '--regid',
    String(gid),
    ...(additionalGids.length > 0 ? ['--groups', additionalGids.join(',')] : ['--clear-groups']),
    ...(dropped.length > 0
      ? ['--inh-caps=-all', `--bounding-set=${dropped.join(',')}`]
      : ['--inh-caps=-all']),
    tools.unshare,
    `--root=${step.rootfs}`,
    `--wd=${step.cwd === '' ? '/' : step.cwd}`,
    `--setuid=${uid}`,
    '--',
    ...command,
  ];
  const envProgram = findProgram('env') ?? '/usr/bin/env';
  return `exec ${[envProgram, '-i', ...env, ...words].map(quote).join(' ')}`;
}

interface Tools {
  readonly unshare: string;
  readonly setpriv: string;
}

/**
 * Runs the step without an OCI runtime: util-linux `unshare` with every namespace that the kernel grants, down to plain
 * chroot in an unprivileged CI container.
 *
 * @throws HawserError ABORTED, UNSUPPORTED (what cannot be had without namespaces), REQUIREMENT_MISSING
 */
export async function runChrootStep(step: PreparedStep): Promise<RunStepResult> {
  grant ??= probeGrant();
  const granted = await grant;
  refuseCgroupLimits(step.limits, 'under chroot');
  const { folder } = makeStepBundle(step.run);
  try {
    if (granted === 'nothing') return await runPlainStep(step, folder);
    return await runInNamespaces(step, folder, granted);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** In what unshare(1) gives: after a `kill -9` of hawser the kernel ends it, and it takes its PID namespace along. */
async function runInNamespaces(
  step: PreparedStep,
  folder: string,
  granted: 'all' | 'mounts',
): Promise<RunStepResult> {
  const tools = {
    unshare: requireProgram('unshare', { package: 'util-linux' }),
    setpriv: requireProgram('setpriv', { package: 'util-linux' }),
  };
  const mounts = writeStepFiles(folder, step);
  const lines = mountLines(step, mounts, { ownPids: granted === 'all' });
  if (granted === 'all') lines.push(`hostname ${quote(step.hostname)} 2>/dev/null || :`);
  const net = step.network === 'none' ? ['--net'] : [];
  const script = ['set -e; umask 022', ...lines, enterLine(step, tools)].join('\n');
  const words = [tools.unshare, ...net, ...grantArguments[granted], '/bin/sh', '-c', script];
  return runStepProcess([tools.setpriv, '--pdeathsig', 'KILL', ...words], step);
}
