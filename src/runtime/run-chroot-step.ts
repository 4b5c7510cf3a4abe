import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { HawserError } from '../errors/hawser-error.ts';
import { throwIfAborted } from '../util/abort.ts';
import { mountLines } from './chroot-mounts.ts';
import { keepDescriptorsFromChildren } from './close-on-exec.ts';
import { findProgram, requireProgram } from './find-program.ts';
import { containerCapabilities, hostCapabilities } from './oci/capabilities.ts';
import { PlainDevices } from './plain-devices.ts';
import type { PreparedStep } from './run-oci-step.ts';
import { childExit, runProgram } from './run-program.ts';
import type { RunStepResult } from './run-step-types.ts';
import { quote } from './shell-quote.ts';
import { makeStepBundle, writeStepFiles } from './step-bundles.ts';

/** What unshare(1) may do here, the strongest that works. */
type Grant = 'all' | 'mounts' | 'nothing';

const grantArguments: Readonly<Record<Grant, readonly string[]>> = {
  all: ['--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child', '--propagation', 'private'],
  mounts: ['--mount', '--propagation', 'private'],
  nothing: [],
};

let grant: Promise<Grant> | undefined;

async function probeGrant(unshare: string): Promise<Grant> {
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
function enterLine(
  step: PreparedStep,
  tools: { readonly unshare: string; readonly setpriv: string },
): string {
  const host = hostCapabilities();
  const allowed = containerCapabilities(host, { privileged: step.privileged });
  const dropped = host.filter(name => !allowed.includes(name)).map(name => `-${name.slice(4).toLowerCase()}`);
  const { uid, gid, additionalGids } = step.user;
  const loader = step.env.filter(entry => entry.startsWith('LD_'));
  // The dynamic loader of the host must not see them: env(1) of the image sets them.
  const command = loader.length > 0 ? ['/usr/bin/env', ...loader, ...step.args] : step.args;
  const env = step.env.filter(entry => !entry.startsWith('LD_'));
  const words = [
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

/** @throws HawserError UNSUPPORTED for what plain chroot cannot give */
function refuseWithoutNamespaces(step: PreparedStep): void {
  const wanted = step.network === 'none' ? '--network none' : step.mounts.length > 0 ? '--mount' : undefined;
  if (wanted === undefined) return;
  throw new HawserError('UNSUPPORTED', `RUN with ${wanted}: this machine grants hawser no namespaces`, {
    remedy: `Run as root with CAP_SYS_ADMIN, or without ${wanted}.`,
  });
}

/**
 * Runs the step without an OCI runtime: util-linux `unshare` with every namespace that the kernel grants, down to plain
 * chroot in an unprivileged CI container.
 *
 * @throws HawserError ABORTED, UNSUPPORTED (mounts where none can be made), REQUIREMENT_MISSING
 */
export async function runChrootStep(step: PreparedStep): Promise<RunStepResult> {
  const unshare = requireProgram('unshare', { package: 'util-linux' });
  const setpriv = requireProgram('setpriv', { package: 'util-linux' });
  grant ??= probeGrant(unshare);
  const granted = await grant;
  if (granted === 'nothing') refuseWithoutNamespaces(step);
  const { folder } = makeStepBundle(step.run);
  const plain = granted === 'nothing' ? new PlainDevices(step) : undefined;
  try {
    const mounts = writeStepFiles(folder, step);
    const lines = granted === 'nothing' ? [] : mountLines(step, mounts, { ownPids: granted === 'all' });
    if (granted === 'all') lines.push(`hostname ${quote(step.hostname)} 2>/dev/null || :`);
    const script = ['set -e', ...lines, enterLine(step, { unshare, setpriv })].join('\n');
    // After a `kill -9` of hawser the kernel ends unshare, and that takes the PID namespace along.
    const guard = [setpriv, '--pdeathsig', 'KILL'];
    const net = step.network === 'none' ? ['--net'] : [];
    return await runScript(
      [...guard, unshare, ...net, ...grantArguments[granted], '/bin/sh', '-c', script],
      step,
    );
  } finally {
    plain?.restore();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runScript(argv: readonly string[], step: PreparedStep): Promise<RunStepResult> {
  const [program = '', ...args] = argv;
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  keepDescriptorsFromChildren();
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: path },
    cwd: '/',
    detached: true, // a process group of its own, which an abort ends as a whole
  });
  child.stdout.on('data', (chunk: Buffer) => step.onOutput('stdout', chunk));
  child.stderr.on('data', (chunk: Buffer) => step.onOutput('stderr', chunk));
  const abort = () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  step.signal?.addEventListener('abort', abort, { once: true });
  try {
    const exitCode = await childExit(child);
    throwIfAborted(step.signal);
    return { exitCode };
  } finally {
    step.signal?.removeEventListener('abort', abort);
  }
}
