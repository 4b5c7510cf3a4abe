import { spawn } from 'node:child_process';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import { throwIfAborted } from '../../util/abort.ts';
import { redactUrl } from './redact-url.ts';

export interface GitRun {
  /** The repository's own folder. */
  readonly gitDir?: string;
  readonly workTree?: string;
  /** Where the repository may come from: the network, or a folder of ours. A repository never chooses it itself. */
  readonly from: 'network' | 'folder';
  /** `Authorization` for http remotes. */
  readonly authorization?: string | undefined;
  /** The remote, which `authorization` is meant for. */
  readonly remote?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes of output that are looked at. */
const outputLimit = 16 * 1024 * 1024;

/**
 * Runs the `git` of the system, free of the user's and the system's configuration, of hooks, of prompts, and of transports
 * that run programs.
 *
 * @returns what it wrote on stdout
 * @throws HawserError REQUIREMENT_MISSING without git; DOWNLOAD_FAILED with what git says; ABORTED
 */
export async function git(args: readonly string[], run: GitRun): Promise<string> {
  throwIfAborted(run.signal);
  const places = [
    ...(run.gitDir === undefined ? [] : [`--git-dir=${run.gitDir}`]),
    ...(run.workTree === undefined ? [] : [`--work-tree=${run.workTree}`]),
  ];
  // Checked-out files get the modes that everybody's have, whatever the user's umask.
  const command = ['-c', 'umask 022; exec git "$@"', 'sh', ...places, ...args];
  const child = spawn('/bin/sh', command, {
    cwd: run.workTree ?? run.gitDir ?? '/',
    env: environmentFor(run),
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its helpers are in its group, and end with it.
    detached: true,
  });
  const stop = () => killGroup(child.pid);
  run.signal?.addEventListener('abort', stop, { once: true });
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject).once('close', resolve);
    });
    throwIfAborted(run.signal);
    if (code === 127) throw missing();
    if (code !== 0) throw failed(args, run, stderr());
    return stdout();
  } finally {
    run.signal?.removeEventListener('abort', stop);
  }
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (systemErrorCode(error) !== 'ESRCH') throw error; // it has ended by itself
  }
}

function missing(): HawserError {
  return new HawserError('REQUIREMENT_MISSING', 'git is not installed, and a git repository is used', {
    remedy: 'Install it, on Debian: apt-get install git.',
  });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= outputLimit) chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

function failed(args: readonly string[], run: GitRun, output: string): HawserError {
  const said = redactUrl(output.trim()).split('\n').slice(-5).join('\n');
  const what = run.remote === undefined ? `git ${args[0] ?? ''}` : redactUrl(run.remote);
  return new HawserError('DOWNLOAD_FAILED', `cannot fetch ${what}: ${said}`);
}

function environmentFor(run: GitRun): NodeJS.ProcessEnv {
  const config: [string, string][] = [
    ['core.hooksPath', '/dev/null'],
    ['core.fsmonitor', 'false'],
    ['core.symlinks', 'true'],
    ['init.defaultBranch', 'master'],
    ['advice.detachedHead', 'false'],
    ['gc.auto', '0'],
    ['safe.directory', '*'],
  ];
  if (run.authorization !== undefined && /^https?:/.test(run.remote ?? '')) {
    config.push([
      `http.${new URL(run.remote ?? '').origin}/.extraHeader`,
      `Authorization: ${run.authorization}`,
    ]);
  }
  const { PATH, SSH_AUTH_SOCK } = process.env;
  return {
    PATH,
    ...(SSH_AUTH_SOCK === undefined ? {} : { SSH_AUTH_SOCK }),
    ...proxies(),
    LC_ALL: 'C',
    HOME: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
    GIT_ALLOW_PROTOCOL: run.from === 'network' ? 'http:https:ssh:git' : 'file',
    // In the environment, not in the arguments, which everybody on the machine can read.
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(config.map(([name], index) => [`GIT_CONFIG_KEY_${index}`, name])),
    ...Object.fromEntries(config.map(([, value], index) => [`GIT_CONFIG_VALUE_${index}`, value])),
  };
}

function proxies(): NodeJS.ProcessEnv {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap(name => [
    name,
    name.toLowerCase(),
  ]);
  return Object.fromEntries(names.flatMap(name => (process.env[name] ? [[name, process.env[name]]] : [])));
}
