import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import type { Context } from 'mocha';
import { type Isolation, Isolations } from './support/isolations.ts';
import { run } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';

/** Of each isolation; HAWSER_FAULT_ROUNDS is for all rounds of faults, 100 for a night. */
const rounds = Math.ceil(Number(process.env.HAWSER_FAULT_ROUNDS ?? 16) / 4);

const dockerfile = `FROM busybox AS one
ARG ROUND
RUN echo $ROUND > /one && head -c 3000000 /dev/urandom > /noise
RUN (sleep 600 &) ; sleep 0.1; echo 1 >> /one
FROM busybox AS two
ARG ROUND
RUN --mount=type=cache,target=/cache echo $ROUND > /two && echo x >> /cache/file
COPY file /file
RUN --mount=type=secret,id=key --mount=type=bind,target=/context cat /run/secrets/key /context/file | wc -c > /length
FROM one
COPY --from=two /two /length /
RUN echo last > /last
`;

describe('kill -9 of a build at random moments', function () {
  this.timeout(120_000 + rounds * 60_000);
  let sandbox: Sandbox;
  let isolations: Isolations;

  before(async () => {
    sandbox = await Sandbox.create();
    isolations = await Isolations.open(sandbox.folder);
    await sandbox.importBusybox();
    await sandbox.hawser('save', '-o', 'base.tar', 'busybox');
    await sandbox.write({ 'app/Dockerfile': dockerfile, 'app/file': 'x\n', key: 'secret' });
    await run(['chmod', '-R', 'a+rX', sandbox.folder], { check: true });
  });
  after(async () => {
    await isolations?.close();
    await sandbox?.dispose();
  });

  const buildWords = (round: number, ...flags: readonly string[]) => {
    const secret = `id=key,src=${join(sandbox.folder, 'key')}`;
    const own = ['--build-arg', `ROUND=${round}`, '--secret', secret, ...flags];
    return ['build', '--progress', 'plain', '-t', 'app', ...own, join(sandbox.folder, 'app')];
  };

  /** The names of steps that a plain progress tells to have reached a state. */
  function stepsThat(state: 'DONE' | 'CACHED', progress: string): readonly string[] {
    const names = new Map(
      [...progress.matchAll(/^#(\d+) (\[.*)$/gm)].map(([, id, name]) => [id, name ?? '']),
    );
    const reached = [...progress.matchAll(new RegExp(`^#(\\d+) ${state}\\b`, 'gm'))];
    return reached.flatMap(([, id]) => names.get(id) ?? []);
  }

  /** Waits for the end of what a killed process has left: the kernel ends it, when it gets to it. */
  async function settled(look: () => Promise<readonly string[]>): Promise<readonly string[]> {
    for (let tries = 0; ; tries++) {
      const found = await look();
      if (found.length === 0 || tries === 100) return found;
      await delay(50);
    }
  }

  /** Files and folders that no build has any more. */
  async function leftFiles(place: Isolation): Promise<readonly string[]> {
    const own = join(sandbox.folder, place.name);
    const folders = ['run/steps', 'run/runc', 'root/images-state/ingest', 'root/build-cache/scratch', 'tmp'];
    for (const kind of ['copy', 'overlay']) folders.push(`root/snapshots/${kind}/active`);
    const mounts = join(own, 'run/mounts');
    for (const name of existsSync(mounts) ? await readdir(mounts) : []) folders.push(`run/mounts/${name}`);
    const left: string[] = [];
    for (const folder of folders) {
      const path = join(own, folder);
      for (const name of existsSync(path) ? await readdir(path) : []) left.push(join(folder, name));
    }
    return left;
  }

  /** Control groups of steps of these processes. */
  async function leftGroups(pids: ReadonlySet<number>): Promise<readonly string[]> {
    const own = (name: string) => pids.has(Number(/^step-(\d+)-/.exec(name)?.[1]));
    const found: string[] = [];
    for (const controller of ['', ...(await readdir('/sys/fs/cgroup'))]) {
      const folder = join('/sys/fs/cgroup', controller, 'hawser');
      if (existsSync(folder)) found.push(...(await readdir(folder)).filter(own));
    }
    return found;
  }

  async function ended(child: ChildProcess): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  }

  async function killRounds(place: Isolation, ...flags: readonly string[]): Promise<void> {
    const loaded = await place.run('load', '-q', '-i', join(sandbox.folder, 'base.tar'));
    expect(loaded.code, loaded.stderr).to.equal(0);
    const start = Date.now();
    const first = await place.run(...buildWords(-1, ...flags));
    expect(first.code, first.stderr).to.equal(0);
    const length = Date.now() - start;
    const counts = { killed: 0, finished: 0, reused: 0 };
    const pids = new Set<number>();
    for (let round = 0; round < rounds; round++) {
      const { words, env } = place.command(...buildWords(round, ...flags));
      const [program = '', ...args] = words;
      const child = spawn(program, args, { env, cwd: sandbox.folder, stdio: ['ignore', 'ignore', 'pipe'] });
      let progress = '';
      child.stderr.on('data', (chunk: Buffer) => {
        progress += chunk.toString();
      });
      const moment = randomInt(20, length);
      await Promise.race([delay(moment), once(child, 'exit')]);
      if (child.exitCode === null) counts.killed++;
      child.kill('SIGKILL');
      await ended(child);
      pids.add(child.pid ?? 0);
      const what = `killed after ${moment} ms:\n${progress}`;
      const again = await place.run(...buildWords(round, ...flags));
      expect(again.code, `${what}\n${again.stderr}`).to.equal(0);
      const finished = stepsThat('DONE', progress);
      const reused = stepsThat('CACHED', again.stderr);
      expect(reused, what).to.include.members([...finished]);
      counts.finished += finished.length;
      counts.reused += finished.filter(name => reused.includes(name)).length;
      expect(await settled(() => sandbox.processes()), what).to.deep.equal([]);
      expect(await settled(() => leftFiles(place)), what).to.deep.equal([]);
      expect(await mounts(), what).to.deep.equal([]);
      expect(await settled(() => leftGroups(pids)), what).to.deep.equal([]);
      const check = await place.run('system', 'fsck', '--format', 'json');
      expect((JSON.parse(check.stdout) as { problems: unknown[] }).problems, what).to.deep.equal([]);
    }
    const { killed, finished, reused } = counts;
    console.log(
      `      ${place.name}: ${rounds} builds, ${killed} killed; ${reused} of ${finished} finished steps reused`,
    );
  }

  /** Beside the one that shows hawser to plain users. */
  async function mounts(): Promise<readonly string[]> {
    const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
    const paths = lines.map(line => line.split(' ')[4] ?? '');
    return paths.filter(
      path => path.startsWith(`${sandbox.folder}/`) && path !== join(sandbox.folder, 'hawser'),
    );
  }

  it(`${rounds} under a runtime`, async () => {
    await killRounds(await isolations.root('oci'), '--isolation', 'oci');
  });

  it(`${rounds} in namespaces without one`, async () => {
    await killRounds(await isolations.root('chroot'), '--isolation', 'chroot');
  });

  it(`${rounds} with the capabilities of a container`, async () => {
    await killRounds(await isolations.withoutCapabilities('capabilities'));
  });

  it(`${rounds} of a plain user`, async function (this: Context) {
    const place = await isolations.user('rootless', { subordinate: true });
    if (place === undefined) {
      console.log('      skipped: a plain user gets no user namespace here');
      this.skip();
    }
    await killRounds(place);
  });
});
