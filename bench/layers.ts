// How fast are layers unpacked, pushed, saved, loaded, committed and pulled? hawser beside GNU tar, docker, podman, skopeo and
// umoci. `npm run bench:layers [unpack|push|save|load|commit|pull …]`
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../src/image/digest.ts';
import { applyLayer } from '../src/layers/apply.ts';
import { type RunResult, run } from '../test/e2e/support/run.ts';
import { type Contender, compare } from './support/measure.ts';
import { type Peers, startPeers } from './support/peers.ts';
import { type PeerRegistry, startRegistry } from './support/registry.ts';
import { writeRootfsArchive } from './support/rootfs.ts';

const rounds = 5;
const image = 'layer:1';

interface Stand {
  readonly peers: Peers;
  readonly registry: PeerRegistry;
  readonly folder: string;
  /** The layer, plain; as the image `layer:1` it is in the stores of hawser, docker and podman. */
  readonly archive: string;
}

async function importEverywhere({ peers, archive }: Stand): Promise<void> {
  await peers.hawser.hawser('image', 'import', archive, image);
  await peers.docker.docker('import', archive, image);
  await run(peers.podmanCommand('import', '-q', archive, `localhost/${image}`), { check: true });
}

/** Leaves hawser nothing but the base image. */
async function forgetImages(peers: Peers): Promise<void> {
  const names = (await peers.hawser.hawser('images', '--format', '{{.Repository}}:{{.Tag}}')).split('\n');
  const others = names.filter(name => name !== 'bench-base:latest');
  if (others.length > 0) await peers.hawser.try(['rmi', '-f', ...others]);
  await peers.hawser.hawser('image', 'prune', '--force');
}

async function unpack({ folder, archive }: Stand): Promise<void> {
  // A folder each: ext4 passes over inodes that were freed a moment ago one by one, which takes longer than the unpacking.
  let target = '';
  const fresh = (name: string) => async (round: number) => {
    target = join(folder, 'unpacked', `${name}-${round}`);
    await mkdir(target, { recursive: true });
  };
  const diffID = digestOf(await readFile(archive));
  await compare(
    'unpack a plain layer of 170 MB',
    [
      {
        name: 'hawser, and checked',
        prepare: fresh('hawser'),
        command: () => () =>
          applyLayer({ path: archive, compression: 'uncompressed' }, target, {
            whiteouts: 'remove',
            diffID,
          }),
      },
      {
        name: 'GNU tar',
        prepare: fresh('tar'),
        command: () => ['tar', '-xpf', archive, '-C', target, '--numeric-owner', '--xattrs'],
      },
    ],
    rounds * 2,
  );
  await rm(join(folder, 'unpacked'), { recursive: true });
}

async function push({ peers, registry }: Stand): Promise<void> {
  const name = `${registry.host}/${image}`;
  await peers.hawser.hawser('tag', image, name);
  await peers.docker.docker('tag', image, name);
  const forget = async () => {
    await registry.clear();
    // The kept compressed layer would be no work.
    await rm(join(peers.hawser.root, 'images-state/compressed'), { recursive: true, force: true });
  };
  const hawser = (compression: string): Contender => ({
    name: `hawser, ${compression}`,
    env: peers.hawser.env,
    prepare: forget,
    command: () => peers.hawserCommand('push', '-q', '--compression', compression, name),
  });
  const docker: Contender = {
    name: 'docker, gzip',
    env: peers.dockerEnv,
    prepare: forget,
    command: () => peers.dockerCommand('push', '-q', name),
  };
  const podman: Contender = {
    name: 'podman, gzip',
    prepare: forget,
    command: () =>
      peers.podmanCommand('push', '-q', '--tls-verify=false', `localhost/${image}`, `docker://${name}`),
  };
  const contenders = [hawser('gzip'), docker, podman, hawser('zstd')];
  await compare('push a plain layer of 170 MB', contenders, rounds);
  await peers.hawser.hawser('rmi', name);
  await peers.docker.docker('rmi', name);
}

async function pull({ peers, registry }: Stand): Promise<void> {
  const name = `${registry.host}/${image}`;
  await peers.docker.docker('tag', image, name);
  await peers.docker.docker('push', '-q', name);
  await peers.docker.docker('rmi', name, image);
  await compare(
    'pull and unpack one gzip layer of 170 MB',
    [
      {
        name: 'hawser',
        env: peers.hawser.env,
        prepare: () => forgetImages(peers),
        command: () => peers.hawserCommand('pull', '-q', '--unpack', name),
      },
      {
        name: 'docker',
        env: peers.dockerEnv,
        prepare: async () => void (await peers.docker.try('rmi', '-f', name)),
        command: () => peers.dockerCommand('pull', '-q', name),
      },
      {
        name: 'podman',
        prepare: async () => void (await run(peers.podmanCommand('rmi', '-f', name, `localhost/${image}`))),
        command: () => peers.podmanCommand('pull', '-q', '--tls-verify=false', name),
      },
      {
        name: 'skopeo and umoci',
        async prepare() {
          await rm(join(peers.folder, 'umoci'), { recursive: true, force: true });
          await mkdir(join(peers.folder, 'umoci'));
        },
        command: () => [
          'sh',
          '-c',
          `skopeo copy -q --src-tls-verify=false docker://${name} oci:${peers.folder}/umoci/layout:it &&
           umoci unpack --image ${peers.folder}/umoci/layout:it ${peers.folder}/umoci/bundle`,
        ],
      },
    ],
    rounds,
  );
  await peers.docker.docker('rmi', name);
}

async function save({ peers, folder }: Stand): Promise<void> {
  const layout = `oci:${peers.hawser.root}/images:docker.io/library/${image}`;
  const target = (name: string) => join(folder, `${name}.tar`);
  const fresh = (name: string) => () => rm(target(name), { force: true });
  await compare(
    'save an image of 170 MB',
    [
      {
        name: 'hawser',
        env: peers.hawser.env,
        prepare: fresh('hawser'),
        command: () => peers.hawserCommand('save', '-o', target('hawser'), image),
      },
      {
        name: 'docker',
        env: peers.dockerEnv,
        prepare: fresh('docker'),
        command: () => peers.dockerCommand('save', '-o', target('docker'), image),
      },
      {
        name: 'podman',
        prepare: fresh('podman'),
        command: () => peers.podmanCommand('save', '-q', '-o', target('podman'), `localhost/${image}`),
      },
      {
        name: 'skopeo',
        prepare: fresh('skopeo'),
        command: () => ['skopeo', 'copy', '-q', layout, `docker-archive:${target('skopeo')}:${image}`],
      },
    ],
    rounds,
  );
}

async function load({ peers, folder }: Stand): Promise<void> {
  const source = join(folder, 'docker.tar');
  if (!existsSync(source)) await peers.docker.docker('save', '-o', source, image);
  const docker: Contender = {
    name: 'docker',
    env: peers.dockerEnv,
    prepare: async () => void (await peers.docker.try('rmi', '-f', image)),
    command: () => peers.dockerCommand('load', '-q', '-i', source),
  };
  const loading = `${peers.hawserCommand('load', '-q', '-i', source).join(' ')}`;
  await compare(
    'load an image of 170 MB from an archive of docker',
    [
      {
        name: 'hawser',
        env: peers.hawser.env,
        prepare: () => forgetImages(peers),
        command: () => ['sh', '-c', loading],
      },
      {
        name: 'hawser, and unpacked',
        env: peers.hawser.env,
        async prepare() {
          await peers.hawser.try(['rm', '-f', 'unpacked']);
          await forgetImages(peers);
        },
        command: () => [
          'sh',
          '-c',
          `${loading} && ${peers.hawserCommand('create', '--name', 'unpacked', image, '/none').join(' ')}`,
        ],
      },
      docker,
      {
        name: 'podman',
        prepare: async () => void (await run(peers.podmanCommand('rmi', '-f', image))),
        command: () => peers.podmanCommand('load', '-q', '-i', source),
      },
    ],
    rounds,
  );
  // It would keep the unpacked layer, and leave a later pull with nothing to unpack.
  await peers.hawser.hawser('rm', '-f', 'unpacked');
}

/** What passes between the end of a RUN that wrote 300 MB and the end of the build, by the machine's own clock. */
async function commit({ peers, folder }: Stand): Promise<void> {
  const context = join(folder, 'commit');
  await mkdir(context);
  const write = 'head -c 100000000 /dev/urandom > /1 && cat /1 > /2 && cat /1 > /3';
  await writeFile(
    join(context, 'Dockerfile'),
    `FROM bench-base\nARG ROUND\nRUN ${write} && echo "$ROUND ended at $(cut -d' ' -f1 /proc/uptime)"\n`,
  );
  const args = (round: number) => [
    '--progress',
    'plain',
    '--build-arg',
    `ROUND=${round}`,
    '-t',
    'run',
    context,
  ];
  const seconds = async ({ stdout, stderr }: RunResult) => {
    const uptime = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]);
    const ended = /\d ended at (\d+\.\d+)/.exec(stdout + stderr);
    return uptime - Number(ended?.[1]);
  };
  await compare(
    'commit a RUN layer of 300 MB, from the end of RUN to the end of the build',
    [
      {
        name: 'hawser',
        env: peers.hawser.env,
        seconds,
        command: round => peers.hawserCommand('build', ...args(round)),
      },
      {
        name: 'BuildKit',
        env: peers.dockerEnv,
        seconds,
        command: round => peers.dockerCommand('build', ...args(round)),
      },
    ],
    rounds,
  );
}

// A pull takes the image away that the parts before it share.
const parts = { unpack, push, save, load, commit, pull };
const wanted = process.argv.slice(2);
const peers = await startPeers();
const registry = await startRegistry(join(peers.folder, 'registry'));
try {
  const folder = join(peers.folder, 'layers');
  await mkdir(folder);
  const stand: Stand = { peers, registry, folder, archive: await writeRootfsArchive(folder) };
  await importEverywhere(stand);
  for (const [name, part] of Object.entries(parts)) {
    if (wanted.length === 0 || wanted.includes(name)) await part(stand);
  }
} finally {
  await registry.stop();
  await peers.stop();
}
