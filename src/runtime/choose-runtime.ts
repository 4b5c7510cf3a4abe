import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { digestHex, digestOf } from '../image/digest.ts';
import { writeFileAtomic } from '../util/atomic-file.ts';
import { mappedIds, ownPrivileges } from '../util/user-namespace.ts';
import { findProgram } from './find-program.ts';
import { containerCapabilities, hostCapabilities } from './oci/capabilities.ts';
import { ociSpec } from './oci-spec.ts';
import { pauseProgram } from './pause.ts';
import { runProgram } from './run-program.ts';

export interface RuntimeChoice {
  /** Absolute path; undefined where none works here. */
  readonly path: string | undefined;
  /** For `hawser system doctor`: what was tried, and what it said. */
  readonly tried: readonly { readonly path: string; readonly error?: string }[];
}

export interface ChooseRuntimeOptions {
  /** HAWSER_RUN: results are kept there until the next boot. */
  readonly run: string;
  /** HAWSER_RUNTIME: a name or path that is taken as it is. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface Verdict {
  readonly error?: string;
}

const candidates = ['runc', 'crun'];

/** Runs the pause program (which ends at once when it has an argument) in the namespaces that a build step has. */
async function probe(path: string, run: string): Promise<Verdict> {
  const id = `probe-${process.pid}-${Date.now()}`;
  const bundle = join(run, 'probes', id);
  const rootfs = join(bundle, 'rootfs');
  try {
    for (const folder of ['proc', 'dev', 'sys']) mkdirSync(join(rootfs, folder), { recursive: true });
    writeFileSync(join(rootfs, 'pause'), '');
    const program = join(bundle, 'pause');
    writeFileSync(program, pauseProgram(process.arch), { mode: 0o755 });
    const spec = ociSpec({
      rootfs,
      args: ['/pause', 'probe'],
      env: [],
      cwd: '/',
      user: { uid: 0, gid: 0, additionalGids: [], home: '/' },
      capabilities: containerCapabilities(hostCapabilities(), {}),
      namespaces: [{ type: 'pid' }, { type: 'ipc' }, { type: 'uts' }],
      // /run is often mounted noexec
      mounts: [{ destination: '/pause', type: 'bind', source: program, options: ['rbind', 'ro', 'exec'] }],
      cgroupsPath: `/hawser/${id}`,
      ids: mappedIds(),
    });
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec));
    const { exitCode, stderr } = await runProgram(path, [
      '--root',
      join(run, 'runc'),
      'run',
      '--bundle',
      bundle,
      id,
    ]);
    return exitCode === 0 ? {} : { error: stderr.trim().split('\n').at(-1) ?? `exit code ${exitCode}` };
  } finally {
    rmSync(bundle, { recursive: true, force: true });
  }
}

async function verdictOf(path: string, run: string): Promise<Verdict> {
  const stat = statSync(path);
  const key = digestHex(digestOf(`${path} ${stat.mtimeMs} ${stat.size} ${ownPrivileges()}`)).slice(0, 16);
  const memo = join(run, 'runtimes', `${key}.json`);
  try {
    return JSON.parse(readFileSync(memo, 'utf8')) as Verdict;
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
  }
  const verdict = await probe(path, run);
  await writeFileAtomic(memo, JSON.stringify(verdict), { durable: false });
  return verdict;
}

/** The first OCI runtime that works on this machine: crun refuses some cgroup set-ups, a CI container forbids both. */
export async function chooseRuntime(options: ChooseRuntimeOptions): Promise<RuntimeChoice> {
  const named = options.env.HAWSER_RUNTIME;
  const tried: { path: string; error?: string }[] = [];
  for (const name of named === undefined || named === '' ? candidates : [named]) {
    const path = findProgram(name, options.env);
    if (path === undefined) continue;
    const verdict = await verdictOf(path, options.run);
    tried.push({ path, ...verdict });
    if (verdict.error === undefined) return { path, tried };
  }
  return { path: undefined, tried };
}

function remedyFor(error: string): string {
  // crun looks no further where cgroup v2 is beside v1, whatever its --cgroup-manager.
  if (/cgroups in hybrid mode not supported/.test(error))
    return 'Use runc (apt-get install runc), or unmount /sys/fs/cgroup/unified.';
  return 'See hawser system doctor; HAWSER_RUNTIME names another runtime.';
}

/** @throws HawserError REQUIREMENT_MISSING where none is installed, RUNTIME_FAILED where none works */
export async function requireRuntime(options: ChooseRuntimeOptions): Promise<string> {
  const { path, tried } = await chooseRuntime(options);
  if (path !== undefined) return path;
  const failure = tried.find(attempt => attempt.error !== undefined);
  if (failure === undefined) {
    const name = options.env.HAWSER_RUNTIME ?? 'runc';
    throw new HawserError('REQUIREMENT_MISSING', `the OCI runtime ${name} is not installed`, {
      remedy: 'Install one, e.g. apt-get install runc.',
      detail: { program: name, package: 'runc' },
    });
  }
  throw new HawserError('RUNTIME_FAILED', `${failure.path} does not work here: ${failure.error}`, {
    remedy: remedyFor(failure.error ?? ''),
    detail: { tried },
  });
}
