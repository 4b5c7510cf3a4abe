import { existsSync } from 'node:fs';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unpackedPackage } from './debian.ts';
import type { DockerDaemon } from './dockerd.ts';
import { type RunResult, run } from './run.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** A place where hawser runs: with which rights, and with which store. */
export interface Isolation {
  readonly name: string;
  /** hawser with these arguments; `folder` of the matrix is there under its own path. */
  run(...args: string[]): Promise<RunResult>;
  /** What `run` starts. */
  command(...args: string[]): { readonly words: readonly string[]; readonly env: NodeJS.ProcessEnv };
}

/** What Podman grants a container: no mknod, no mounts. */
const podmanCapabilities =
  'chown,dac_override,fowner,fsetid,kill,net_bind_service,setfcap,setgid,setpcap,setuid,sys_chroot';

/** The places of this machine, each with a store of its own below `folder`. */
export class Isolations {
  readonly folder: string;
  readonly #hawser: string;
  readonly #users: string[] = [];

  private constructor(folder: string) {
    this.folder = folder;
    this.#hawser = join(folder, 'hawser');
  }

  /** @param folder That everybody may enter. */
  static async open(folder: string): Promise<Isolations> {
    const isolations = new Isolations(folder);
    await chmod(folder, 0o755);
    // Under a path that a plain user may enter, wherever the repository lies.
    await mkdir(isolations.#hawser);
    await run(['mount', '--bind', repository, isolations.#hawser], { check: true });
    return isolations;
  }

  get #command(): readonly string[] {
    return [process.execPath, join(this.#hawser, 'bin/run.js')];
  }

  #env(name: string): NodeJS.ProcessEnv {
    const [root, state] = [join(this.folder, name, 'root'), join(this.folder, name, 'run')];
    const { PATH } = process.env;
    return {
      PATH,
      HAWSER_ROOT: root,
      HAWSER_RUN: state,
      HOME: join(this.folder, name),
      TMPDIR: join(this.folder, name, 'tmp'),
      NO_COLOR: '1',
    };
  }

  async #place(name: string, words: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Isolation> {
    await mkdir(join(this.folder, name), { recursive: true });
    await chmod(join(this.folder, name), 0o755);
    const env = { ...this.#env(name), SOURCE_DATE_EPOCH: '1700000000', ...more };
    const cwd = this.folder;
    const command = (...args: string[]) => ({ words: [...words, ...this.#command, ...args], env });
    return { name, command, run: (...args) => run(command(...args).words, { env, cwd }) };
  }

  root(name: string): Promise<Isolation> {
    return this.#place(name, []);
  }

  /** Root with crun for its runtime, which refuses a cgroup v2 beside v1: it sees none. */
  async crun(name: string): Promise<Isolation> {
    const folder = join(this.folder, 'crun');
    await mkdir(folder);
    // It is not installed: podman would choose it.
    const archive = await unpackedPackage('crun');
    const parts = ['./usr/bin/crun', './usr/lib/*/libyajl.so*'];
    await run(['tar', '-xf', archive, '-C', folder, '--wildcards', ...parts], { check: true });
    const program = join(folder, 'crun');
    const script = `#!/bin/sh\nLD_LIBRARY_PATH=$(echo ${folder}/usr/lib/*) exec ${folder}/usr/bin/crun "$@"\n`;
    await writeFile(program, script, { mode: 0o755 });
    const hide = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"';
    const words = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', hide, 'sh'];
    return this.#place(name, words, { HAWSER_RUNTIME: program });
  }

  /** Root with the capabilities of a container, without its filter of system calls. */
  withoutCapabilities(name: string): Promise<Isolation> {
    const bounding = `--bounding-set=-all,+${podmanCapabilities.replaceAll(',', ',+')}`;
    return this.#place(name, ['setpriv', '--inh-caps=-all', bounding]);
  }

  /** A plain user, made for it, with or without a range of subordinate ids; undefined where it gets no namespace. */
  async user(name: string, options: { readonly subordinate: boolean }): Promise<Isolation | undefined> {
    const user = `hawser${process.pid % 10_000}${this.#users.length}`;
    await run(['useradd', '--no-create-home', '--system', user], { check: true });
    this.#users.push(user);
    if (options.subordinate) {
      const range = '300000-365535';
      await run(['usermod', '--add-subuids', range, '--add-subgids', range, user], { check: true });
    }
    const words = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups'];
    if ((await run([...words, 'unshare', '--user', 'true'])).code !== 0) return undefined;
    const place = await this.#place(name, words);
    await run(['chown', user, join(this.folder, name)], { check: true });
    return place;
  }

  /** Root of a container as `docker run` makes it: Docker's own filter and capabilities, and the machine's programs. */
  async docker(name: string, docker: DockerDaemon, options: readonly string[] = []): Promise<Isolation> {
    const rootfs = join(this.folder, 'container');
    if (!existsSync(rootfs)) {
      for (const folder of ['etc', 'tmp', 'usr', 'var', 'run', 'proc', 'sys', 'dev'])
        await mkdir(join(rootfs, folder), { recursive: true });
      for (const link of ['bin', 'sbin', 'lib', 'lib64']) await symlink(`usr/${link}`, join(rootfs, link));
      await run(['tar', '-C', rootfs, '-cf', `${rootfs}.tar`, '.'], { check: true });
      await docker.docker('import', `${rootfs}.tar`, 'container');
    }
    const node = process.execPath.startsWith('/usr/')
      ? []
      : ['-v', `${process.execPath}:${process.execPath}:ro`];
    const binds = ['-v', '/usr:/usr:ro', ...node, '-v', `${this.folder}:${this.folder}`];
    const env = { ...this.#env(name), SOURCE_DATE_EPOCH: '1700000000' };
    const flags = Object.entries(env).flatMap(([key, value]) => ['-e', `${key}=${value}`]);
    await mkdir(join(this.folder, name), { recursive: true });
    const words = ['run', '--rm', '--network', 'host', '-w', this.folder, ...binds, ...flags, ...options];
    const inside = (...args: string[]) => [...words, 'container', ...this.#command, ...args];
    return {
      name,
      command: (...args) => ({ words: ['/usr/bin/docker', ...inside(...args)], env: docker.env }),
      run: (...args) => docker.try(...inside(...args)),
    };
  }

  async close(): Promise<void> {
    for (const user of this.#users) await run(['userdel', user]);
    await run(['umount', '-l', this.#hawser]);
  }
}
